package topologies

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"trafficlab/components/policy"
	"trafficlab/topologies/strict"
)

// choice reads a policy of a registry: its name alone, or a map of the name to
// what it is told: p2c, or {ring-hash: {vnodes: 160}}.
func choice[K interface{ Describe() policy.Kind }](v strict.Value, or string, registry map[string]K) policy.Choice {
	names := slices.Sorted(maps.Keys(registry))
	usual := policy.Choice{Name: or, Params: registry[or].Describe().Params(nil)}
	if !v.IsMap() {
		c := policy.Choice{Name: v.Word(or, names...)}
		c.Params = registry[c.Name].Describe().Params(nil)
		return c
	}
	entries := v.Entries("")
	if len(entries) != 1 {
		v.Wrong("is not one policy", "one name with its parameters, such as {"+or+": {}}")
		return usual
	}
	name, told := entries[0].Key, entries[0].Value
	if !slices.Contains(names, name) {
		told.WrongKey("unknown policy", strict.Suggest(name, "one of", names))
		return usual
	}
	kind := registry[name].Describe()
	return policy.Choice{Name: name, Params: kind.Params(parameters(told, name, kind.Parameters))}
}

// parameters reads those that are given, but for those of a form of their own.
func parameters(v strict.Value, policyName string, known []policy.Parameter) policy.Params {
	if len(known) == 0 {
		if !v.IsMap() || len(v.Entries("")) > 0 {
			v.Wrong(policyName+" takes no parameters", "its name alone")
		}
		return nil
	}
	names := make([]string, len(known))
	for i, p := range known {
		names[i] = p.Name
	}
	given := policy.Params{}
	if !v.Fields(names...) {
		return given
	}
	for _, p := range known {
		if value := v.Get(p.Name); value.Present() && p.Form != policy.Else {
			given[p.Name] = parameter(value, p)
		}
	}
	return given
}

func parameter(v strict.Value, p policy.Parameter) policy.Param {
	if p.Off && v.Off() {
		return policy.Param{}
	}
	usual := p.Usual()
	n := usual.Number
	switch p.Form {
	case policy.Count:
		n = float64(v.Int(int(n), int(p.Low), int(p.High)))
	case policy.Number:
		n = v.Number(n, p.Low, p.High)
	case policy.Span:
		n = float64(v.Duration(time.Duration(n), time.Duration(p.Low), time.Duration(p.High)))
	case policy.Share:
		n = v.Share(n, p.Low, p.High)
	case policy.Rate:
		n = v.Rate(n, p.Low, p.High)
	case policy.Size:
		n = float64(v.Size(int64(n), int64(p.Low), int64(p.High)))
	case policy.Flag:
		n = 0
		if v.Bool(usual.Number != 0) {
			n = 1
		}
	case policy.Word:
		return policy.Param{Word: v.Word(usual.Word, p.Words...)}
	case policy.Source:
		return policy.Param{Word: source(v, usual.Word)}
	}
	return policy.Param{Number: n}
}

const sourceForms = "address, path, header NAME or cookie NAME"

// source reads what of a request is hashed.
func source(v strict.Value, or string) string {
	text := v.Text(or)
	what, name, _ := strings.Cut(text, " ")
	switch {
	case text == "address" || text == "path":
		return text
	case what == "header" && isToken(name):
		return "header " + http.CanonicalHeaderKey(name)
	case what == "cookie" && isToken(name):
		return text
	default:
		v.Wrong(fmt.Sprintf("%q is nothing to hash by", text), sourceForms)
	}
	return or
}

// isToken tells whether text may be the name of a header field or a cookie.
func isToken(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return !strings.ContainsRune(token, r) })
}

// Usual writes a parameter's default as a file would.
func Usual(p policy.Parameter) string {
	if p.Usually != "" {
		return p.Usually
	}
	usual := p.Usual()
	if usual.Word != "" {
		return usual.Word
	}
	return written(p, usual.Number)
}

// Range writes what values a parameter takes.
func Range(p policy.Parameter) string {
	switch p.Form {
	case policy.Word:
		return strings.Join(p.Words, ", ")
	case policy.Source:
		return sourceForms
	case policy.Flag:
		return "true or false"
	case policy.Else:
		return strings.Join(p.Words, ", or ")
	}
	text := written(p, p.Low) + " to " + written(p, p.High)
	if p.Off {
		text += ", or off"
	}
	return text
}

func written(p policy.Parameter, n float64) string {
	switch {
	case p.Off && n == 0:
		return "off"
	case p.Form == policy.Span:
		return strict.Duration(time.Duration(n))
	case p.Form == policy.Share:
		return strict.Share(n)
	case p.Form == policy.Rate:
		return strict.Rate(n)
	case p.Form == policy.Size:
		return strict.Size(int64(n))
	case p.Form == policy.Flag:
		return strconv.FormatBool(n != 0)
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}
