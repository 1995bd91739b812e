package components

import (
	"net/url"
	"strings"

	"trafficlab/topologies"
)

// edited removes, renames, sets and adds fields as a route asks. h must not be
// shared.
func edited(h Header, e *topologies.Edit) Header {
	for _, name := range e.Remove {
		h = h.Del(name)
	}
	for _, field := range e.Rename {
		for i := range h {
			if equalName(h[i].Name, field.Path) {
				h[i].Name = field.Value
			}
		}
	}
	for _, field := range e.Set {
		h = h.Set(field.Path, field.Value)
	}
	for _, field := range e.Add {
		h = h.Add(field.Path, field.Value)
	}
	return h
}

// queryEdit is what a route makes of a query.
type queryEdit struct {
	remove   []string
	rename   []topologies.PathValue
	set, add []queryField
}

type queryField struct {
	name  string
	value *template // nil: empty
}

// newQueryEdit is nil if there is nothing to edit.
func newQueryEdit(e *topologies.Edit, pattern string) *queryEdit {
	if e == nil {
		return nil
	}
	fields := func(told []topologies.PathValue) (fields []queryField) {
		for _, f := range told {
			fields = append(fields, queryField{f.Path, newTemplate(f.Value, pattern)})
		}
		return fields
	}
	return &queryEdit{e.Remove, e.Rename, fields(e.Set), fields(e.Add)}
}

// edited is the query as it goes on. What is not edited stays as it was sent.
func (e *queryEdit) edited(query, path string) string {
	if e == nil {
		return query
	}
	query = withoutParameters(query, e.remove)
	for _, f := range e.rename {
		query = renamed(query, f.Path, f.Value)
	}
	for _, f := range e.set {
		query = withParameter(withoutParameters(query, []string{f.name}), f.name, f.text(path))
	}
	for _, f := range e.add {
		query = withParameter(query, f.name, f.text(path))
	}
	return query
}

// text is the field's value, for a path. What a path holds cannot become a
// parameter of its own.
func (f *queryField) text(path string) string {
	if f.value == nil {
		return ""
	}
	return f.value.fillWith(path, func(word string) string { return word })
}

func withParameter(query, name, value string) string {
	if query != "" {
		query += "&"
	}
	return query + url.QueryEscape(name) + "=" + url.QueryEscape(value)
}

func renamed(query, from, to string) string {
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		key, value, has := strings.Cut(pair, "=")
		if unescaped(key) != from || pair == "" {
			continue
		}
		pairs[i] = url.QueryEscape(to)
		if has {
			pairs[i] += "=" + value
		}
	}
	return strings.Join(pairs, "&")
}

// statusOf is the status that the route gives in the place of one: of several
// that fit, the exact one.
func statusOf(mapped []topologies.StatusChange, status int) int {
	to := status
	for _, m := range mapped {
		if m.From == status {
			return m.To
		}
		if m.From == status/100 {
			to = m.To
		}
	}
	return to
}
