package components

import (
	"net/url"
	"slices"
	"strings"

	"trafficlab/topologies"
)

// condition is what a route asks of a header field or of a parameter of the
// query: a value, or the beginning of one.
type condition struct {
	name, value string
	open        bool // value is how it begins
}

func newConditions(all []topologies.PathValue) (conditions []condition) {
	for _, c := range all {
		value, open := strings.CutSuffix(c.Value, "*")
		conditions = append(conditions, condition{c.Path, value, open})
	}
	return conditions
}

func (c *condition) meets(value string) bool {
	if c.open {
		return strings.HasPrefix(value, c.value)
	}
	return value == c.value
}

// meetsHeader tells whether any field of the name is as asked.
func (c *condition) meetsHeader(h Header) bool {
	for i := range h {
		if equalName(h[i].Name, c.name) && c.meets(h[i].Value) {
			return true
		}
	}
	return false
}

// meetsQuery tells whether the first parameter of the name is as asked.
func (c *condition) meetsQuery(query string) bool {
	value, ok := parameter(query, c.name)
	return ok && c.meets(value)
}

// parameter is the first value of a name in a query.
func parameter(query, name string) (value string, ok bool) {
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		key, value, _ := strings.Cut(pair, "=")
		if unescaped(key) == name {
			return unescaped(value), true
		}
	}
	return "", false
}

// parameterOnce is the first value of a name in a query, and how often the name
// stands there.
func parameterOnce(query, name string) (value string, times int) {
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		key, said, _ := strings.Cut(pair, "=")
		if unescaped(key) != name {
			continue
		}
		if times++; times == 1 {
			value = unescaped(said)
		}
	}
	return value, times
}

// withoutParameters is a query without the named parameters; the others stay
// as they are.
func withoutParameters(query string, names []string) string {
	var b strings.Builder
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		key, _, _ := strings.Cut(pair, "=")
		if slices.Contains(names, unescaped(key)) {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(pair)
	}
	return b.String()
}

// unescaped is a part of a query as it was meant; as it stands, if its escapes
// are wrong.
func unescaped(text string) string {
	if strings.IndexByte(text, '%') < 0 && strings.IndexByte(text, '+') < 0 {
		return text
	}
	plain, err := url.QueryUnescape(text)
	if err != nil {
		return text
	}
	return plain
}
