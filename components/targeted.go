package components

import "strings"

// targetedField is the one that speaks to caches of a CDN (RFC 9213).
const targetedField = "CDN-Cache-Control"

// parseTargeted reads a targeted field: a dictionary of structured fields (RFC
// 9651 section 3.2), the last of a name counting. It is false if there is
// nothing in it, or anything at all that does not parse: the field is to be
// ignored then (RFC 9213 section 2.1).
func parseTargeted(value string) (d directives, ok bool) {
	r := structured{rest: strings.Trim(value, " ")}
	if r.rest == "" {
		return unsaid, false
	}
	members := map[string]string{}
	var order []string
	for {
		name, argument, ok := r.member()
		if !ok {
			return unsaid, false
		}
		if _, had := members[name]; !had {
			order = append(order, name)
		}
		members[name] = argument
		r.space()
		if r.rest == "" {
			break
		}
		if !r.eat(',') {
			return unsaid, false
		}
		if r.space(); r.rest == "" {
			return unsaid, false // a comma at the end
		}
	}
	d = unsaid
	for _, name := range order {
		switch argument := members[name]; argument {
		case "?0":
		case "?1":
			d.take(name, "", false)
		default:
			d.take(name, unquoted(argument), true)
		}
	}
	return d, true
}

// structured reads structured fields. Values stay as they are written.
type structured struct{ rest string }

func (r *structured) eat(c byte) bool {
	if r.rest == "" || r.rest[0] != c {
		return false
	}
	r.rest = r.rest[1:]
	return true
}

// space skips optional white space.
func (r *structured) space() { r.rest = strings.TrimLeft(r.rest, " \t") }

// while takes the longest beginning made of the bytes that fit.
func (r *structured) while(fits func(c byte) bool) string {
	n := 0
	for n < len(r.rest) && fits(r.rest[n]) {
		n++
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

// member reads "key=value;parameters"; without a value it is true.
func (r *structured) member() (name, value string, ok bool) {
	if name, ok = r.key(); !ok {
		return "", "", false
	}
	value = "?1"
	if r.eat('=') {
		if value, ok = r.item(); !ok {
			return "", "", false
		}
	}
	return name, value, r.parameters()
}

func (r *structured) key() (string, bool) {
	if r.rest == "" || !isLower(r.rest[0]) && r.rest[0] != '*' {
		return "", false
	}
	return r.while(func(c byte) bool {
		return isLower(c) || isDigit(c) || c == '_' || c == '-' || c == '.' || c == '*'
	}), true
}

// parameters are read over: no directive has any.
func (r *structured) parameters() bool {
	for r.eat(';') {
		r.rest = strings.TrimLeft(r.rest, " ")
		if _, ok := r.key(); !ok {
			return false
		}
		if r.eat('=') {
			if _, ok := r.item(); !ok {
				return false
			}
		}
	}
	return true
}

// item reads a bare item, or an inner list.
func (r *structured) item() (string, bool) {
	if r.rest == "" {
		return "", false
	}
	switch c := r.rest[0]; {
	case c == '-' || isDigit(c):
		return r.number()
	case c == '"':
		return r.text()
	case c == '?':
		return r.boolean()
	case c == ':':
		return r.bytes()
	case c == '(':
		return r.list()
	case c == '*' || isLower(c) || isUpper(c):
		return r.while(func(c byte) bool {
			return isLower(c) || isUpper(c) || isDigit(c) || strings.IndexByte("!#$%&'*+-.^_`|~:/", c) >= 0
		}), true
	}
	return "", false
}

// number reads an integer of up to 15 digits, or a decimal of up to 12 and 3.
func (r *structured) number() (string, bool) {
	from := r.rest
	r.eat('-')
	whole, most := r.while(isDigit), 15
	fraction := ""
	if len(r.rest) > 0 && r.rest[0] == '.' {
		r.eat('.')
		if fraction = r.while(isDigit); fraction == "" || len(fraction) > 3 {
			return "", false
		}
		most = 12
	}
	if whole == "" || len(whole) > most {
		return "", false
	}
	return from[:len(from)-len(r.rest)], true
}

func (r *structured) text() (string, bool) {
	for i := 1; i < len(r.rest); i++ {
		switch c := r.rest[i]; {
		case c == '\\':
			if i++; i == len(r.rest) || r.rest[i] != '"' && r.rest[i] != '\\' {
				return "", false
			}
		case c == '"':
			text := r.rest[:i+1]
			r.rest = r.rest[i+1:]
			return text, true
		case c < ' ' || c > '~':
			return "", false
		}
	}
	return "", false
}

func (r *structured) boolean() (string, bool) {
	if len(r.rest) < 2 || r.rest[1] != '0' && r.rest[1] != '1' {
		return "", false
	}
	value := r.rest[:2]
	r.rest = r.rest[2:]
	return value, true
}

func (r *structured) bytes() (string, bool) {
	r.eat(':')
	r.while(func(c byte) bool { return isLower(c) || isUpper(c) || isDigit(c) || c == '+' || c == '/' || c == '=' })
	return "", r.eat(':')
}

func (r *structured) list() (string, bool) {
	r.eat('(')
	for {
		r.rest = strings.TrimLeft(r.rest, " ")
		if r.eat(')') {
			return "", true
		}
		if r.rest == "" || r.rest[0] == '(' {
			return "", false
		}
		if _, ok := r.item(); !ok || !r.parameters() {
			return "", false
		}
		if r.rest == "" || r.rest[0] != ' ' && r.rest[0] != ')' {
			return "", false
		}
	}
}

func isLower(c byte) bool { return 'a' <= c && c <= 'z' }
func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }
