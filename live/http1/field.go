package http1

import (
	"strings"

	"trafficlab/components"
)

// fields is the fields of a head. Those that frame the message and name its
// host are apart: they are not handed on but written anew.
type fields struct {
	list components.Header

	host, length, coding    string
	hosts, lengths, codings int

	connection, expect, upgrade string
}

// parse reads n fields, all of which end in CRLF.
func (f *fields) parse(text string, n int) *Error {
	f.list = make(components.Header, 0, n+spare)
	for text != "" && text != "\r\n" {
		end := strings.IndexByte(text, '\n')
		name, value, wrong := field(text[:end-1])
		if wrong != nil {
			return wrong
		}
		if !f.apart(name, value) {
			f.list = append(f.list, components.Field{Name: name, Value: value})
		}
		text = text[end+1:]
	}
	return nil
}

// spare is room in a header for fields that are added on the way.
const spare = 4

// field reads one line without its end.
func field(line string) (name, value string, wrong *Error) {
	colon := strings.IndexByte(line, ':')
	switch {
	case line != "" && isBlank(line[0]):
		return "", "", errFold
	case colon > 0 && isBlank(line[colon-1]):
		return "", "", errColonSpace
	case colon <= 0 || !within(line[:colon], inToken):
		return "", "", errName
	}
	value = trim(line[colon+1:])
	if !within(value, inValue) {
		return "", "", errValue
	}
	return line[:colon], value, nil
}

// apart takes a field that this package deals with, and tells whether it is
// not for others as well.
func (f *fields) apart(name, value string) bool {
	switch len(name) {
	case len("Host"):
		if strings.EqualFold(name, "Host") {
			f.host, f.hosts = value, f.hosts+1
			return true
		}
	case len("Expect"):
		if strings.EqualFold(name, "Expect") {
			f.expect = joined(f.expect, value)
		}
	case len("Upgrade"):
		if strings.EqualFold(name, "Upgrade") {
			f.upgrade = joined(f.upgrade, value)
		}
	case len("Connection"):
		if strings.EqualFold(name, "Connection") {
			f.connection = joined(f.connection, value)
		}
	case len("Content-Length"):
		if strings.EqualFold(name, "Content-Length") {
			f.length, f.lengths = value, f.lengths+1
			return true
		}
	case len("Transfer-Encoding"):
		if strings.EqualFold(name, "Transfer-Encoding") {
			f.coding, f.codings = value, f.codings+1
			return true
		}
	}
	return false
}

func joined(had, more string) string {
	if had == "" {
		return more
	}
	return had + ", " + more
}

// lists tells whether a comma-separated list has the word, in any case.
func lists(list, word string) bool {
	for item := range strings.SplitSeq(list, ",") {
		if strings.EqualFold(trim(item), word) {
			return true
		}
	}
	return false
}

// Lengths of bodies that are not a number of bytes.
const (
	Unknown  int64 = -1 // chunked
	tillEnd  int64 = -2 // of the connection
	noLength int64 = -3 // none is said
)

// framing says how long the body is (RFC 9112 section 6.3): noLength if the
// fields say nothing.
func (f *fields) framing(minor int) (int64, *Error) {
	switch {
	case f.lengths > 0 && f.codings > 0:
		return 0, errBothLengths
	case f.lengths > 1:
		return 0, errManyLengths
	case f.lengths == 1:
		return parseLength(f.length)
	case f.codings == 0:
		return noLength, nil
	case minor == 0:
		return 0, errCodingVersion
	case f.codings > 1:
		return 0, errCoding
	case strings.EqualFold(f.coding, "chunked"):
		return Unknown, nil
	}
	before, last, found := strings.Cut(f.coding, ",")
	if !found || lists(before, "chunked") || !strings.EqualFold(trim(last), "chunked") || trim(before) == "" {
		return 0, errCoding
	}
	return 0, errCodingUnknown
}

func parseLength(text string) (int64, *Error) {
	if text == "" || len(text) > 18 {
		return 0, errLength
	}
	n := int64(0)
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return 0, errLength
		}
		n = n*10 + int64(text[i]-'0')
	}
	return n, nil
}
