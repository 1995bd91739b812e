// Package trafficlab_test asserts the house: who may import whom, and what no
// room may do.
package trafficlab_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "trafficlab"

// drawing is the import drawing of the README: each room with the rooms it may
// ask. A room that is not in it has no place in the house.
var drawing = map[string][]string{
	"components/policy": {},
	"topologies/strict": {},
	"topologies":        {"topologies/strict", "components/policy"},
	"bench/measure":     {"components/policy"},
	"scenarios":         {"topologies", "topologies/strict", "bench/measure", "components/policy"},
	"components":        {"components/policy", "topologies", "scenarios", "bench/measure"},
	"live/http1":        {"components"},
	"live":              {"live/http1", "components", "components/policy", "topologies", "scenarios", "bench/measure"},
	"sim":               {"components", "components/policy", "topologies", "scenarios", "bench/measure"},
	"bench":             {"live", "sim", "components", "components/policy", "topologies", "scenarios", "bench/measure"},
	"reports":           {"bench/measure", "scenarios", "topologies", "components/policy"},
	"cmd/trafficlab": {"reports", "bench", "live", "sim", "components", "components/policy",
		"topologies", "topologies/strict", "scenarios", "bench/measure"},
}

// timeless rooms are told the time and given their randomness: that is why
// they run in two worlds and give the same bytes twice.
var timeless = []string{"components", "components/policy", "sim", "scenarios"}

// The functions of package time that read or wait for the machine's clock.
var clocks = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

// What may be asked of math/rand without touching its global source.
var seeded = []string{"New", "NewPCG", "NewChaCha8", "NewZipf", "NewSource",
	"Rand", "Source", "Source64", "PCG", "ChaCha8", "Zipf"}

// What a policy must not know of.
var impure = []string{"sync", "sync/atomic", "net", "net/http", "os", "context"}

func TestTheDrawingHasNoWayBackUp(t *testing.T) {
	for room := range drawing {
		assert.NotContains(t, reach(room), room, "%s can reach itself: the drawing has a cycle", room)
	}
	assert.NotContains(t, reach("live"), "sim")
	assert.NotContains(t, reach("sim"), "live")
}

func TestTheHouse(t *testing.T) {
	files := 0
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && strings.HasPrefix(d.Name(), "."), d.IsDir() && d.Name() == "testdata":
			return fs.SkipDir
		case !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		files++
		found, err := breaches(filepath.ToSlash(name), nil)
		for _, breach := range found {
			t.Error(breach)
		}
		return err
	})
	require.NoError(t, err)
	assert.Greater(t, files, len(drawing), "the house was not found")
}

// The test itself can fail: each of these is a breach.
func TestABreachIsSeen(t *testing.T) {
	for _, c := range []struct{ file, source, want string }{
		{"sim/a.go", `package sim; import _ "trafficlab/live"`,
			"the arrow sim → live is not in the drawing"},
		{"components/policy/a.go", `package policy; import "trafficlab/components"`,
			"the arrow components/policy → components is not in the drawing"},
		{"util/a.go", `package util`,
			"the room util is not in the drawing"},
		{"live/a.go", `package live; func init() {}`,
			"an init function; registries are map literals"},
		{"sim/a.go", `package sim; import "time"; var t = time.Now()`,
			"time.Now in sim, which is told the time"},
		{"scenarios/a.go", `package scenarios; import r "math/rand/v2"; var n = r.IntN(3)`,
			"r.IntN draws from the global source; scenarios is given its randomness"},
		{"components/policy/a.go", `package policy; import "sync"`,
			"policy imports sync; its owner guards and drives it"},
		{"components/policy/a.go", `package policy; func f() { go f() }`,
			"policy starts a goroutine"},
	} {
		found, err := breaches(c.file, c.source)
		require.NoError(t, err)
		require.Len(t, found, 1)
		assert.Regexp(t, "^"+c.file+`:1:\d+: `+regexp.QuoteMeta(c.want)+"$", found[0])
	}
	for _, clean := range []string{
		`package sim; func init2() {}; type s struct{}; func (s) init() {}`,
		`package sim; import "time"; const d = time.Second`,
		`package sim; import "math/rand/v2"; var r = rand.New(rand.NewPCG(1, 2)); var n = r.IntN(3)`,
		`package sim; import "trafficlab/components"; var _ components.Handler`,
	} {
		found, err := breaches("sim/a.go", clean)
		require.NoError(t, err)
		assert.Empty(t, found, clean)
	}
}

// reach lists every room that room may ask, directly or through others.
func reach(room string) []string {
	var all []string
	for todo := slices.Clone(drawing[room]); len(todo) > 0; todo = todo[1:] {
		if next := todo[0]; !slices.Contains(all, next) {
			all = append(all, next)
			todo = append(todo, drawing[next]...)
		}
	}
	return all
}

// breaches reads one source file and tells what it does that its room may not.
func breaches(name string, source any) ([]string, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	h := house{fset: fset, room: path.Dir(name)}
	h.place(file)
	for _, spec := range file.Imports {
		h.arrow(spec)
	}
	ast.Inspect(file, h.inspect(importNames(file)))
	return h.found, nil
}

type house struct {
	fset  *token.FileSet
	room  string
	found []string
}

func (h *house) say(at token.Pos, format string, args ...any) {
	h.found = append(h.found, fmt.Sprintf("%s: %s", h.fset.Position(at), fmt.Sprintf(format, args...)))
}

func (h *house) place(file *ast.File) {
	if _, ok := drawing[h.room]; !ok {
		h.say(file.Name.Pos(), "the room %s is not in the drawing", h.room)
	}
}

func (h *house) arrow(spec *ast.ImportSpec) {
	to, _ := strconv.Unquote(spec.Path.Value)
	if room, ours := strings.CutPrefix(to, module+"/"); ours && !slices.Contains(drawing[h.room], room) {
		h.say(spec.Path.Pos(), "the arrow %s → %s is not in the drawing", h.room, room)
	}
	if h.room == "components/policy" && slices.Contains(impure, to) {
		h.say(spec.Path.Pos(), "policy imports %s; its owner guards and drives it", to)
	}
}

func (h *house) inspect(imports map[string]string) func(ast.Node) bool {
	return func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Recv == nil && n.Name.Name == "init" {
				h.say(n.Name.Pos(), "an init function; registries are map literals")
			}
		case *ast.GoStmt:
			if h.room == "components/policy" {
				h.say(n.Pos(), "policy starts a goroutine")
			}
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && slices.Contains(timeless, h.room) {
				h.ambient(n, imports[x.Name], x.Name)
			}
		}
		return true
	}
}

func (h *house) ambient(n *ast.SelectorExpr, from, as string) {
	switch {
	case from == "time" && slices.Contains(clocks, n.Sel.Name):
		h.say(n.Pos(), "%s.%s in %s, which is told the time", as, n.Sel.Name, h.room)
	case (from == "math/rand" || from == "math/rand/v2") && !slices.Contains(seeded, n.Sel.Name):
		h.say(n.Pos(), "%s.%s draws from the global source; %s is given its randomness", as, n.Sel.Name, h.room)
	}
}

// importNames maps the names that a file uses for its imports to their paths.
func importNames(file *ast.File) map[string]string {
	names := map[string]string{}
	for _, spec := range file.Imports {
		from, _ := strconv.Unquote(spec.Path.Value)
		name := path.Base(strings.TrimSuffix(from, "/v2"))
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = from
	}
	return names
}
