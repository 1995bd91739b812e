package http1

// What a byte may be part of.
const (
	inToken  = 1 << iota // method, field name (RFC 9110 section 5.6.2)
	inValue              // field value, with its spaces (section 5.5)
	inTarget             // request target
	inHost               // name of a host, or its port (RFC 3986 section 3.2)
	inHex
)

// classes says of each byte what it may be part of. In a target it is more than
// RFC 3986 has, since browsers send more: what could end a line, a word or a
// quotation is left out.
var classes = func() (table [256]uint8) {
	mark := func(class uint8, bytes string) {
		for i := range len(bytes) {
			table[bytes[i]] |= class
		}
	}
	const digits, hex = "0123456789", "abcdefABCDEF"
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	mark(inToken, digits+letters+"!#$%&'*+-.^_`|~")
	mark(inTarget, digits+letters+"-._~:/?[]@!$&'()*+,;=%{}|\\^`")
	mark(inHost, digits+letters+"-._~!$&'()*+,;=%")
	mark(inHex, digits+hex)
	for c := range 256 {
		if c == '\t' || c >= ' ' && c != 0x7f {
			table[c] |= inValue
		}
	}
	return table
}()

// all tells whether all of a text is of a class. There must be some.
func all(text string, class uint8) bool {
	return len(text) > 0 && within(text, class)
}

func within(text string, class uint8) bool {
	for i := range len(text) {
		if classes[text[i]]&class == 0 {
			return false
		}
	}
	return true
}

// trim takes spaces and tabs off both ends.
func trim(text string) string {
	for text != "" && isBlank(text[0]) {
		text = text[1:]
	}
	for text != "" && isBlank(text[len(text)-1]) {
		text = text[:len(text)-1]
	}
	return text
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// unhex is the value of a hexadecimal digit.
func unhex(c byte) int64 {
	switch {
	case c <= '9':
		return int64(c - '0')
	case c <= 'F':
		return int64(c-'A') + 10
	}
	return int64(c-'a') + 10
}

// wellEscaped tells whether each % is followed by two hexadecimal digits.
func wellEscaped(text string) bool {
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			continue
		}
		if i+2 >= len(text) || classes[text[i+1]]&classes[text[i+2]]&inHex == 0 {
			return false
		}
	}
	return true
}
