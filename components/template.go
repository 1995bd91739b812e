package components

import (
	"net/url"
	"strings"

	"trafficlab/topologies"
)

// template is a text with places to fill: "/v2/users/{id}/{*}".
type template struct {
	pattern []string // of the route: where parameters are found
	texts   []string // between the places
	places  []string
}

// newTemplate is nil if there is no text.
func newTemplate(text, pattern string) *template {
	if text == "" {
		return nil
	}
	t := &template{pattern: strings.Split(strings.TrimPrefix(pattern, "/"), "/")}
	t.texts, t.places = topologies.Places(text)
	return t
}

// fill puts a request's words in. path is canonical; r may be nil if the text
// has places for parameters alone.
func (t *template) fill(path string, r *Request) string {
	var b strings.Builder
	for i, text := range t.texts {
		b.WriteString(text)
		if i < len(t.places) {
			b.WriteString(t.word(t.places[i], path, r))
		}
	}
	return b.String()
}

// fillWith puts words in as they were meant, without a path's escapes, each
// written anew.
func (t *template) fillWith(path string, write func(word string) string) string {
	var b strings.Builder
	for i, text := range t.texts {
		b.WriteString(text)
		if i < len(t.places) {
			word := t.word(t.places[i], path, nil)
			if plain, err := url.PathUnescape(word); err == nil {
				word = plain
			}
			b.WriteString(write(word))
		}
	}
	return b.String()
}

func (t *template) word(place, path string, r *Request) string {
	if r != nil {
		switch place {
		case "host":
			return hostOf(r.Host)
		case "path":
			return path
		case "query":
			return r.Query
		}
	}
	rest := strings.TrimPrefix(path, "/")
	for _, segment := range t.pattern {
		if begins, open := strings.CutSuffix(segment, "*"); open {
			if place == "*" {
				return strings.TrimPrefix(rest, begins)
			}
			return ""
		}
		var word string
		word, rest, _ = strings.Cut(rest, "/")
		if topologies.IsParameter(segment) && segment[1:len(segment)-1] == place {
			return word
		}
	}
	return ""
}
