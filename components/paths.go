package components

import (
	"slices"
	"strings"
)

// pathTable finds a value by path: an exact path or a prefix that ends in "*".
// The most specific wins; between equals the first added.
type pathTable[T any] struct {
	exact    map[string]int
	prefixes []prefix // longest first
	values   []T
}

type prefix struct {
	path  string
	value int
}

// add returns the value that stands for the pattern: v, or an earlier one.
func (t *pathTable[T]) add(pattern string, v T) *T {
	if t.exact == nil {
		t.exact = map[string]int{}
	}
	path, isPrefix := strings.CutSuffix(pattern, "*")
	if !isPrefix {
		if at, taken := t.exact[path]; taken {
			return &t.values[at]
		}
		t.exact[path] = len(t.values)
	} else {
		at, taken := slices.BinarySearchFunc(t.prefixes, path, byLength)
		if taken {
			return &t.values[t.prefixes[at].value]
		}
		t.prefixes = slices.Insert(t.prefixes, at, prefix{path, len(t.values)})
	}
	t.values = append(t.values, v)
	return &t.values[len(t.values)-1]
}

// byLength puts longer prefixes first, equal lengths in the order of letters.
func byLength(p prefix, path string) int {
	if len(p.path) != len(path) {
		return len(path) - len(p.path)
	}
	return strings.Compare(p.path, path)
}

// find returns the value for a path, or nil.
func (t *pathTable[T]) find(path string) *T {
	if len(t.exact) > 0 {
		if at, ok := t.exact[path]; ok {
			return &t.values[at]
		}
	}
	for i := range t.prefixes {
		if p := &t.prefixes[i]; p.path == "" || strings.HasPrefix(path, p.path) {
			return &t.values[p.value]
		}
	}
	return nil
}
