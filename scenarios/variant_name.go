package scenarios

import (
	"path/filepath"
	"regexp"
	"strings"

	"trafficlab/topologies/strict"
)

var (
	word     = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	strange  = regexp.MustCompile(`[^A-Za-z0-9 .,=+_-]+`)
	unmarked = strings.NewReplacer("%", "", `"`, "")
	nameless = map[string]bool{"off": true, "true": true, "false": true, "all": true, "baseline": true}
)

// longestName is as much as strict.IsLabel lets through.
const longestName = 40

// label is the name of a variant that sets one path: the value if that speaks
// for itself, else with the last word of the path.
func label(path string, v strict.Value) string {
	value := v.Flow()
	if path == "topology" {
		value = strings.TrimSuffix(filepath.Base(value), filepath.Ext(value))
	}
	if word.MatchString(value) && !nameless[value] {
		return value
	}
	if name := policyLabel(v); name != "" {
		return name
	}
	return path[strings.LastIndex(path, ".")+1:] + "=" + plainly(value, 24)
}

// policyLabel names a policy with its parameters: "ring-hash vnodes=100" for
// {ring-hash: {vnodes: 100}}. It is empty for any other value.
func policyLabel(v strict.Value) string {
	if !v.IsMap() {
		return ""
	}
	entries := v.Entries("")
	if len(entries) != 1 || !entries[0].Value.IsMap() || !word.MatchString(entries[0].Key) {
		return ""
	}
	name := entries[0].Key
	for _, told := range entries[0].Value.Entries("") {
		name += " " + told.Key + "=" + told.Value.Flow()
	}
	return plainly(name, longestName)
}

// plainly is text in the letters that names are made of, and not too long.
func plainly(text string, most int) string {
	text = unmarked.Replace(text)
	plain := strings.Join(strings.Fields(strange.ReplaceAllString(text, " ")), " ")
	if len(plain) <= most {
		return plain
	}
	plain = plain[:most]
	if space := strings.LastIndexByte(plain, ' '); space > 0 {
		plain = plain[:space]
	}
	return strings.TrimRight(plain, " ,")
}
