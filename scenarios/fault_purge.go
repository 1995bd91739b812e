package scenarios

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"trafficlab/topologies"
	"trafficlab/topologies/strict"
)

// Purge says what a cache is to forget: the zero Purge nothing.
type Purge struct {
	Path string // the answers of a path, or of all that begin so if it ends in "*"
	Tag  string // the answers that carry this in Cache-Tag or Surrogate-Key
}

// DatedPurge is a purge that is to happen.
type DatedPurge struct {
	At time.Duration
	Purge
}

var purging = FaultKind{
	About:   "the cache forgets answers, by path or by tag",
	Example: "/products/*",
	instant: true,
	read:    func(v strict.Value, f *Fault) { f.Purge = purge(v) },
	is:      func(f *Fault) bool { return f.Purge != (Purge{}) },
	fits: func(n *topologies.Node) (wrong, right string) {
		if n.Cache == nil {
			return "has no cache that could be purged", "a node with a cache"
		}
		return "", ""
	},
	word: func(f *Fault) string { return "purge " + f.Purge.Path + f.Purge.Tag },
}

// purge reads what to forget: paths, or a tag.
func purge(v strict.Value) Purge {
	p := Purge{}
	if v.IsText() {
		p.Path = v.Text("")
	} else {
		if !v.Fields("path", "tag") {
			return p
		}
		switch one(v, []string{"path", "tag"}, "tag: products") {
		case "path":
			p.Path = v.Get("path").Text("")
		case "tag":
			p.Tag = v.Get("tag").Text("")
		default:
			return p
		}
	}
	if err := p.Check(); err != nil {
		v.Wrong(err.Error(), `such as "/products/*", or {tag: products}`)
	}
	return p
}

// Check tells what is wrong with a purge.
func (p Purge) Check() error {
	star := strings.Index(p.Path, "*")
	switch {
	case (p.Path == "") == (p.Tag == ""):
		return errors.New("is to name a path or a tag")
	case p.Tag != "" && strings.ContainsFunc(p.Tag, func(r rune) bool { return r <= ' ' || r > '~' }):
		return fmt.Errorf("%q is no tag", p.Tag)
	case p.Tag != "":
		return nil
	case strict.CheckPath(p.Path) != nil:
		return strict.CheckPath(p.Path)
	case star >= 0 && star < len(p.Path)-1:
		return fmt.Errorf("%q has a star before its end", p.Path)
	}
	return nil
}
