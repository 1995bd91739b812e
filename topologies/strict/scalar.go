package strict

import (
	"fmt"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Text is a word or sentence. Numbers are taken as they are written.
func (v Value) Text(or string) string {
	if !v.is(scalar, "") {
		return or
	}
	if strings.TrimSpace(v.node.text) == "" {
		v.Wrong("is empty", "")
		return or
	}
	if strings.ContainsFunc(v.node.text, isControl) { // written with an escape
		v.Wrong("holds a control character", "visible characters, spaces and line breaks")
		return or
	}
	return v.node.text
}

// isControl tells what terminals and headers might obey.
func isControl(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }

var fileName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

// Name is what a file or folder can be called after.
func (v Value) Name(or string) string {
	name := v.Text(or)
	if v.IsText() && name != or && !fileName.MatchString(name) {
		v.Wrong("is no name", "lower-case letters, digits and hyphens, at most 64, no hyphen first")
		return or
	}
	return name
}

var label = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 .,=+_-]{0,39}$`)

// LabelForm says what a label is made of.
const LabelForm = "letters, digits, spaces and . , = + _ -, at most 40, a letter or digit first"

// IsLabel tells whether a word can stand for a group of requests in tables,
// file names and headers.
func IsLabel(word string) bool { return label.MatchString(word) }

// HeaderValue is what can be sent as the value of a header field.
func (v Value) HeaderValue(or string) string {
	text := v.Text(or)
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
		v.Wrong("cannot stand in a header", "visible ASCII characters and spaces")
		return or
	}
	return text
}

// CheckPath tells whether a request can be sent for a path.
func CheckPath(path string) error {
	_, err := url.ParseRequestURI(path)
	if err != nil || path[0] != '/' || strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r > '~' || r == '#' }) {
		return fmt.Errorf("%q is no path of a request", path)
	}
	return nil
}

// Word is one of the words given.
func (v Value) Word(or string, of ...string) string {
	if !v.is(scalar, "one of "+strings.Join(of, ", ")) {
		return or
	}
	if !slices.Contains(of, v.node.text) {
		v.Wrong(fmt.Sprintf("unknown value %q", v.node.text), Suggest(v.node.text, "one of", of))
		return or
	}
	return v.node.text
}

// Bool is true or false.
func (v Value) Bool(or bool) bool {
	if !v.is(scalar, "true or false") {
		return or
	}
	switch v.node.text {
	case "true":
		return true
	case "false":
		return false
	}
	v.Wrong(fmt.Sprintf("%q is neither true nor false", v.node.text), "true or false")
	return or
}

// Int is a whole number from low to high.
func (v Value) Int(or, low, high int) int {
	read := func(text string) (int, error) {
		n, err := strconv.Atoi(text)
		if err != nil {
			return 0, fmt.Errorf("%q is not a whole number", text)
		}
		return n, nil
	}
	return number(v, or, low, high, read, strconv.Itoa, strconv.Itoa(max(low, min(4, high))))
}

// Number is a plain number from low to high.
func (v Value) Number(or, low, high float64) float64 {
	return number(v, or, low, high, ParseNumber, trim, "1.5")
}

// Duration is a duration with its unit: 250ms.
func (v Value) Duration(or, low, high time.Duration) time.Duration {
	return number(v, or, low, high, ParseDuration, Duration, "250ms")
}

// Rate is a number of events per second, or per minute: 100/s, 90/m.
func (v Value) Rate(or, low, high float64) float64 {
	return number(v, or, low, high, ParseRate, Rate, "100/s")
}

// Size is a number of bytes: 64KiB, 1MB, 512.
func (v Value) Size(or, low, high int64) int64 {
	return number(v, or, low, high, ParseSize, Size, "64KiB")
}

// Bandwidth is a number of bytes a second: 1MiB/s.
func (v Value) Bandwidth(or, low, high int64) int64 {
	return number(v, or, low, high, ParseBandwidth, Bandwidth, "1MiB/s")
}

// Share is a percentage as a number from 0 to 1: 30%.
func (v Value) Share(or, low, high float64) float64 {
	return number(v, or, low, high, ParseShare, Share, "30%")
}

// Factor is a multiple: 5x.
func (v Value) Factor(or, low, high float64) float64 {
	return number(v, or, low, high, ParseFactor, Factor, "5x")
}

// number reads a scalar that has an order.
func number[T int | int64 | float64 | time.Duration](v Value, or, low, high T,
	read func(string) (T, error), write func(T) string, example string) T {
	if !v.is(scalar, "such as "+example) {
		return or
	}
	n, err := read(v.node.text)
	switch {
	case err != nil:
		v.Wrong(err.Error(), "such as "+example)
		return or
	case n < low || n > high:
		v.Wrong(fmt.Sprintf("%s is out of range", v.node.text), fmt.Sprintf("from %s to %s", write(low), write(high)))
		return or
	}
	return n
}

var plain = regexp.MustCompile(`^([0-9]{1,18}(?:\.[0-9]{1,18})?)\s*(\S*)$`)

// amount reads a number with one of the units; "" among them is no unit.
func amount(text, what string, units map[string]float64) (float64, error) {
	m := plain.FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("%q is not %s", text, what)
	}
	scale, ok := units[m[2]]
	if !ok && m[2] == "" {
		return 0, fmt.Errorf("%q has no unit", text)
	}
	if !ok {
		return 0, fmt.Errorf("%q is not %s", text, what)
	}
	n, err := strconv.ParseFloat(m[1], 64)
	return n * scale, err
}

// ParseNumber reads a plain number that is not negative.
func ParseNumber(text string) (float64, error) {
	return amount(text, "a number", map[string]float64{"": 1})
}

// ParseDuration reads a duration that is not negative: 250ms, 1m30s. Zero
// needs no unit.
func ParseDuration(text string) (time.Duration, error) {
	if _, err := strconv.ParseFloat(text, 64); err == nil && text != "0" {
		return 0, fmt.Errorf("%q has no unit", text)
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || text[0] == '+' {
		return 0, fmt.Errorf("%q is not a duration", text)
	}
	return d, nil
}

// ParseRate reads a rate, in events per second.
func ParseRate(text string) (float64, error) {
	return amount(text, "a rate", map[string]float64{"/s": 1, "/m": 1.0 / 60})
}

var bytesOf = map[string]float64{
	"": 1, "B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9,
	"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30,
}

// ParseSize reads a number of bytes.
func ParseSize(text string) (int64, error) {
	n, err := amount(text, "a size", bytesOf)
	if err != nil {
		return 0, err
	}
	if n != math.Trunc(n) || n > math.MaxInt64/2 {
		return 0, fmt.Errorf("%q is not a whole number of bytes", text)
	}
	return int64(n), nil
}

// ParseBandwidth reads a number of bytes a second.
func ParseBandwidth(text string) (int64, error) {
	size, ok := strings.CutSuffix(text, "/s")
	if !ok {
		return 0, fmt.Errorf("%q is no bandwidth", text)
	}
	return ParseSize(size)
}

// ParseShare reads a percentage, as a number from 0 to 1.
func ParseShare(text string) (float64, error) {
	n, err := amount(text, "a share", map[string]float64{"%": 1})
	return n / 100, err
}

// ParseFactor reads a multiple.
func ParseFactor(text string) (float64, error) {
	return amount(text, "a factor", map[string]float64{"x": 1})
}

// Duration, Rate, Size, Bandwidth, Share and Factor write what the parsers read.
func Duration(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// Rate writes events per second.
func Rate(perSecond float64) string { return trim(perSecond) + "/s" }

// Size writes bytes in the largest binary unit that divides them.
func Size(n int64) string {
	for _, unit := range []string{"GiB", "MiB", "KiB"} {
		if scale := int64(bytesOf[unit]); n >= scale && n%scale == 0 {
			return strconv.FormatInt(n/scale, 10) + unit
		}
	}
	return strconv.FormatInt(n, 10) + "B"
}

// Bandwidth writes a number of bytes a second.
func Bandwidth(n int64) string { return Size(n) + "/s" }

// Share writes a percentage.
func Share(share float64) string { return trim(share*100) + "%" }

// Factor writes a multiple.
func Factor(f float64) string { return trim(f) + "x" }

// trim writes a number in full, to the millionth.
func trim(f float64) string { return strconv.FormatFloat(math.Round(f*1e6)/1e6, 'f', -1, 64) }
