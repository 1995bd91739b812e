package http1

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// sent is one case of the corpus: what a client sends, how it is answered (the
// statuses in order, then the reason of a refusal), and what the origin sees.
// ↵ stands for CRLF, ␊ for LF, ␍ for CR and ␀ for NUL.
type sent struct{ name, in, answers, seen string }

const asIs = "=" // the origin sees what was sent

// The corpus, by section of RFC 9112 where no other is named.
var corpus = []sent{
	// 2.1 and 2.2: lines.
	{"plain", "GET / HTTP/1.1↵Host: a↵↵", "200", asIs},
	{"no fields but Host", "OPTIONS /x HTTP/1.1↵Host: a↵↵", "200", asIs},
	{"bare LF behind the request line", "GET / HTTP/1.1␊Host: a↵↵", "400 bare LF", ""},
	{"bare LF behind a field", "GET / HTTP/1.1↵Host: a␊X: b↵↵", "400 bare LF", ""},
	{"bare LF at the end of the head", "GET / HTTP/1.1↵Host: a↵␊", "400 bare LF", ""},
	{"bare LF twice", "GET / HTTP/1.1␊Host: a␊␊", "400 bare LF", ""},
	{"bare CR in the request line", "GET /␍x HTTP/1.1↵Host: a↵↵", "400 bad target", ""},
	{"bare CR in a value", "GET / HTTP/1.1↵Host: a↵X: b␍c↵↵", "400 bad field value", ""},
	{"bare CR in a name", "GET / HTTP/1.1↵Host: a↵X␍Y: b↵↵", "400 bad field name", ""},
	{"bare CR hides a field", "GET / HTTP/1.1↵Host: a↵X: b␍Content-Length: 5↵↵", "400 bad field value", ""},
	{"CR CR LF", "GET / HTTP/1.1↵Host: a␍↵↵", "400 bad field value", ""},
	{"NUL in the request line", "GET /␀ HTTP/1.1↵Host: a↵↵", "400 bad target", ""},
	{"one empty line before", "↵GET / HTTP/1.1↵Host: a↵↵", "200", "GET / HTTP/1.1↵Host: a↵↵"},
	{"two empty lines before", "↵↵GET / HTTP/1.1↵Host: a↵↵", "200", "GET / HTTP/1.1↵Host: a↵↵"},
	{"many empty lines before", "↵↵↵GET / HTTP/1.1↵Host: a↵↵", "400 bad request line", ""},
	{"bare LF before", "␊GET / HTTP/1.1↵Host: a↵↵", "400 bare LF", ""},
	{"space before the request line", " GET / HTTP/1.1↵Host: a↵↵", "400 bad method", ""},
	{"space behind the request line", "GET / HTTP/1.1↵ Host: a↵Host: a↵↵", "400 folded line", ""},
	{"empty line between requests", "GET /1 HTTP/1.1↵Host: a↵↵↵GET /2 HTTP/1.1↵Host: a↵↵", "200 200",
		"GET /1 HTTP/1.1↵Host: a↵↵GET /2 HTTP/1.1↵Host: a↵↵"},

	// 2.3: versions.
	{"HTTP/1.0", "GET / HTTP/1.0↵Host: a↵↵", "200", "GET / HTTP/1.1↵Host: a↵↵"},
	{"HTTP/1.2 is ours (RFC 9110 section 2.5)", "GET / HTTP/1.2↵Host: a↵↵", "200", "GET / HTTP/1.1↵Host: a↵↵"},
	{"HTTP/0.9", "GET /↵", "400 bad request line", ""},
	{"HTTP/0.9 by name", "GET / HTTP/0.9↵Host: a↵↵", "505 HTTP version", ""},
	{"HTTP/2 by name", "GET / HTTP/2.0↵Host: a↵↵", "505 HTTP version", ""},
	{"HTTP/3 by name", "GET / HTTP/3.0↵Host: a↵↵", "505 HTTP version", ""},
	{"HTTP/2 preface", "PRI * HTTP/2.0↵↵SM↵↵", "505 HTTP version", ""},
	{"version in lower case", "GET / http/1.1↵Host: a↵↵", "400 bad request line", ""},
	{"version of one digit", "GET / HTTP/1↵Host: a↵↵", "400 bad request line", ""},
	{"version of three digits", "GET / HTTP/1.10↵Host: a↵↵", "400 bad request line", ""},
	{"version with a comma", "GET / HTTP/1,1↵Host: a↵↵", "400 bad request line", ""},
	{"version of letters", "GET / HTTP/x.y↵Host: a↵↵", "400 bad request line", ""},
	{"version of another protocol", "GET / ICAP/1.0↵Host: a↵↵", "400 bad request line", ""},
	{"TLS on a plain port", "\x16\x03\x01\x02\x00\x01\x00", "400 bad method", ""},
	{"a line of another protocol", "SSH-2.0-OpenSSH↵", "400 bad request line", ""},

	// 3: the request line.
	{"no target", "GET HTTP/1.1↵Host: a↵↵", "400 bad request line", ""},
	{"empty target", "GET  HTTP/1.1↵Host: a↵↵", "400 bad request line", ""},
	{"two spaces before the target", "GET  / HTTP/1.1↵Host: a↵↵", "400 bad request line", ""},
	{"two spaces before the version", "GET /  HTTP/1.1↵Host: a↵↵", "400 bad request line", ""},
	{"space behind the version", "GET / HTTP/1.1 ↵Host: a↵↵", "400 bad request line", ""},
	{"tab for a space", "GET\t/ HTTP/1.1↵Host: a↵↵", "400 bad method", ""},
	{"tab before the version", "GET /\tHTTP/1.1↵Host: a↵↵", "400 bad target", ""},
	{"space in the target", "GET /a b HTTP/1.1↵Host: a↵↵", "400 bad request line", ""},
	{"two requests in a line", "GET / HTTP/1.1 GET /x HTTP/1.1↵Host: a↵↵", "400 bad request line", ""},
	{"no method", " / HTTP/1.1↵Host: a↵↵", "400 bad method", ""},
	{"only a method", "GET↵Host: a↵↵", "400 bad request line", ""},
	{"colon in the method", "GET: / HTTP/1.1↵Host: a↵↵", "400 bad method", ""},
	{"slash in the method", "GE/T / HTTP/1.1↵Host: a↵↵", "400 bad method", ""},
	{"method with a control", "G\x01T / HTTP/1.1↵Host: a↵↵", "400 bad method", ""},
	{"method beyond ASCII", "GÉT / HTTP/1.1↵Host: a↵↵", "400 bad method", ""},
	{"method of one's own", "BREW /pot HTTP/1.1↵Host: a↵↵", "200", asIs},
	{"method in lower case is another", "get / HTTP/1.1↵Host: a↵↵", "200", asIs},
	{"method of all token characters", "!#$%&'*+-.^_`|~ / HTTP/1.1↵Host: a↵↵", "200", asIs},
	{"request line too long", "GET /" + strings.Repeat("a", 20<<10) + " HTTP/1.1↵Host: a↵↵", "414 request line too long", ""},
	{"request line without an end", "GET /" + strings.Repeat("a", 20<<10), "414 request line too long", ""},
	{"long request line", "GET /" + strings.Repeat("a", 10<<10) + " HTTP/1.1↵Host: a↵↵", "200", asIs},

	// 3.2: targets.
	{"query", "GET /a?b=c&d HTTP/1.1↵Host: a↵↵", "200", asIs},
	{"empty query", "GET /a? HTTP/1.1↵Host: a↵↵", "200", asIs},
	{"query of question marks", "GET /a??b=? HTTP/1.1↵Host: a↵↵", "200", asIs},
	{"semicolon in the query", "GET /a?b;c HTTP/1.1↵Host: a↵↵", "200", asIs},
	{"escapes stay as they are", "GET /%61%2F%2e%2E/%c3%A9 HTTP/1.1↵Host: a↵↵", "200", asIs},
	{"dots and slashes stay", "GET //a/../b/./c// HTTP/1.1↵Host: a↵↵", "200", asIs},
	{"what browsers send in a query", "GET /a?b={c}|[d]^`\\ HTTP/1.1↵Host: a↵↵", "200", asIs},
	{"matrix parameters", "GET /a;b=c,d:e@f!$&'()*+ HTTP/1.1↵Host: a↵↵", "200", asIs},
	{"fragment", "GET /a#b HTTP/1.1↵Host: a↵↵", "400 bad target", ""},
	{"fragment in the query", "GET /a?b#c HTTP/1.1↵Host: a↵↵", "400 bad target", ""},
	{"quotation mark", "GET /\"a\" HTTP/1.1↵Host: a↵↵", "400 bad target", ""},
	{"angle brackets", "GET /<a> HTTP/1.1↵Host: a↵↵", "400 bad target", ""},
	{"backslash in the path", "GET /a\\..\\b HTTP/1.1↵Host: a↵↵", "400 bad target", ""},
	{"byte beyond ASCII", "GET /é HTTP/1.1↵Host: a↵↵", "400 bad target", ""},
	{"DEL", "GET /\x7f HTTP/1.1↵Host: a↵↵", "400 bad target", ""},
	{"escape cut short", "GET /a%2 HTTP/1.1↵Host: a↵↵", "400 bad target", ""},
	{"escape of no digits", "GET /%zz HTTP/1.1↵Host: a↵↵", "400 bad target", ""},
	{"target without a slash", "GET a HTTP/1.1↵Host: a↵↵", "400 bad target", ""},
	{"target is a query", "GET ?a HTTP/1.1↵Host: a↵↵", "400 bad target", ""},
	{"asterisk of OPTIONS", "OPTIONS * HTTP/1.1↵Host: a↵↵", "200", asIs},
	{"asterisk of GET", "GET * HTTP/1.1↵Host: a↵↵", "400 bad target", ""},
	{"absolute", "GET http://a/b?c HTTP/1.1↵Host: a↵↵", "200", "GET /b?c HTTP/1.1↵Host: a↵↵"},
	{"absolute, in other letters", "GET HTTP://A/b HTTP/1.1↵Host: a↵↵", "200", "GET /b HTTP/1.1↵Host: a↵↵"},
	{"absolute with the usual port", "GET http://a:80/b HTTP/1.1↵Host: a↵↵", "200", "GET /b HTTP/1.1↵Host: a↵↵"},
	{"absolute without a path", "GET http://a HTTP/1.1↵Host: a↵↵", "200", "GET / HTTP/1.1↵Host: a↵↵"},
	{"absolute with a query only", "GET http://a?b HTTP/1.1↵Host: a↵↵", "200", "GET /?b HTTP/1.1↵Host: a↵↵"},
	{"absolute OPTIONS without a path (3.2.4)", "OPTIONS http://a HTTP/1.1↵Host: a↵↵", "200", "OPTIONS * HTTP/1.1↵Host: a↵↵"},
	{"absolute in HTTP/1.0", "GET http://a/b HTTP/1.0↵↵", "200", "GET /b HTTP/1.1↵Host: a↵↵"},
	{"absolute of another host", "GET http://b/ HTTP/1.1↵Host: a↵↵", "400 target and Host disagree", ""},
	{"absolute of another port", "GET http://a:81/ HTTP/1.1↵Host: a↵↵", "400 target and Host disagree", ""},
	{"absolute of the other scheme's port", "GET https://a:80/ HTTP/1.1↵Host: a↵↵", "400 target and Host disagree", ""},
	{"absolute with a user", "GET http://u@a/ HTTP/1.1↵Host: a↵↵", "400 bad target", ""},
	{"absolute without a host", "GET http:///b HTTP/1.1↵Host: a↵↵", "400 bad target", ""},
	{"absolute of another scheme", "GET ftp://a/ HTTP/1.1↵Host: a↵↵", "400 bad target", ""},
	{"absolute without Host", "GET http://a/ HTTP/1.1↵↵", "400 no Host", ""},
	{"authority of GET", "GET a:80 HTTP/1.1↵Host: a:80↵↵", "400 bad target", ""},
	{"CONNECT", "CONNECT a:443 HTTP/1.1↵Host: a:443↵↵", "501 CONNECT", ""},
	{"CONNECT elsewhere", "CONNECT b:443 HTTP/1.1↵Host: a↵↵", "501 CONNECT", ""},

	// 3.2: Host.
	{"no Host", "GET / HTTP/1.1↵↵", "400 no Host", ""},
	{"no Host in HTTP/1.0", "GET / HTTP/1.0↵↵", "200", "GET / HTTP/1.1↵Host: ORIGIN↵↵"},
	{"two Host", "GET / HTTP/1.1↵Host: a↵Host: b↵↵", "400 several Host", ""},
	{"two equal Host", "GET / HTTP/1.1↵Host: a↵host: a↵↵", "400 several Host", ""},
	{"two Host in HTTP/1.0", "GET / HTTP/1.0↵Host: a↵Host: b↵↵", "400 several Host", ""},
	{"empty Host", "GET / HTTP/1.1↵Host: ↵↵", "400 bad Host", ""},
	{"Host with a port", "GET / HTTP/1.1↵Host: a.b-c:8080↵↵", "200", asIs},
	{"Host with an empty port", "GET / HTTP/1.1↵Host: a:↵↵", "200", asIs},
	{"Host of IPv6", "GET / HTTP/1.1↵Host: [::1]:80↵↵", "200", asIs},
	{"Host of IPv6 without brackets", "GET / HTTP/1.1↵Host: ::1↵↵", "400 bad Host", ""},
	{"Host of IPv6 without an end", "GET / HTTP/1.1↵Host: [::1↵↵", "400 bad Host", ""},
	{"Host with a user", "GET / HTTP/1.1↵Host: u@a↵↵", "400 bad Host", ""},
	{"Host with a path", "GET / HTTP/1.1↵Host: a/b↵↵", "400 bad Host", ""},
	{"Host with a space", "GET / HTTP/1.1↵Host: a b↵↵", "400 bad Host", ""},
	{"Host of two hosts with a comma is one odd name", "GET / HTTP/1.1↵Host: a,b↵↵", "200", asIs},
	{"Host with a port of letters", "GET / HTTP/1.1↵Host: a:b↵↵", "400 bad Host", ""},
	{"Host with a long port", "GET / HTTP/1.1↵Host: a:123456↵↵", "400 bad Host", ""},
	{"Host beyond ASCII", "GET / HTTP/1.1↵Host: é↵↵", "400 bad Host", ""},
	{"Host comes first again", "GET / HTTP/1.1↵X: b↵Host: a↵↵", "200", "GET / HTTP/1.1↵Host: a↵X: b↵↵"},

	// 5: fields.
	{"order, case and repetition stay", "GET / HTTP/1.1↵Host: a↵x-B: 1↵A: 2↵x-B: 3↵X-b: 4↵↵", "200", asIs},
	{"empty value", "GET / HTTP/1.1↵Host: a↵X:↵↵", "200", "GET / HTTP/1.1↵Host: a↵X: ↵↵"},
	{"spaces around a value", "GET / HTTP/1.1↵Host: a↵X: \t b c \t ↵↵", "200", "GET / HTTP/1.1↵Host: a↵X: b c↵↵"},
	{"no space before a value", "GET / HTTP/1.1↵Host:a↵X:b↵↵", "200", "GET / HTTP/1.1↵Host: a↵X: b↵↵"},
	{"tab within a value", "GET / HTTP/1.1↵Host: a↵X: b\tc↵↵", "200", asIs},
	{"colons in a value", "GET / HTTP/1.1↵Host: a↵X: :b::↵↵", "200", asIs},
	{"value beyond ASCII (RFC 9110 section 5.5)", "GET / HTTP/1.1↵Host: a↵X: é\xff↵↵", "200", asIs},
	{"space before the colon", "GET / HTTP/1.1↵Host: a↵X : b↵↵", "400 space before colon", ""},
	{"tab before the colon", "GET / HTTP/1.1↵Host: a↵X\t: b↵↵", "400 space before colon", ""},
	{"space before the colon of a length", "POST / HTTP/1.1↵Host: a↵Content-Length : 5↵↵hello", "400 space before colon", ""},
	{"folded line", "GET / HTTP/1.1↵Host: a↵X: b↵ c↵↵", "400 folded line", ""},
	{"folded line with a tab", "GET / HTTP/1.1↵Host: a↵X: b↵\tc↵↵", "400 folded line", ""},
	{"folded coding", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding:↵ chunked↵↵0↵↵", "400 folded line", ""},
	{"line of blanks", "GET / HTTP/1.1↵Host: a↵  ↵↵", "400 folded line", ""},
	{"no colon", "GET / HTTP/1.1↵Host: a↵X↵↵", "400 bad field name", ""},
	{"no name", "GET / HTTP/1.1↵Host: a↵: b↵↵", "400 bad field name", ""},
	{"space in a name", "GET / HTTP/1.1↵Host: a↵X Y: b↵↵", "400 bad field name", ""},
	{"brackets in a name", "GET / HTTP/1.1↵Host: a↵X(Y): b↵↵", "400 bad field name", ""},
	{"name beyond ASCII", "GET / HTTP/1.1↵Host: a↵é: b↵↵", "400 bad field name", ""},
	{"NUL in a name", "GET / HTTP/1.1↵Host: a↵X␀: b↵↵", "400 bad field name", ""},
	{"NUL in a value", "GET / HTTP/1.1↵Host: a↵X: b␀c↵↵", "400 bad field value", ""},
	{"control in a value", "GET / HTTP/1.1↵Host: a↵X: \x1b[0m↵↵", "400 bad field value", ""},
	{"DEL in a value", "GET / HTTP/1.1↵Host: a↵X: \x7f↵↵", "400 bad field value", ""},
	{"vertical tab is no blank", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: \x0bchunked↵↵0↵↵", "400 bad field value", ""},
	{"underscore in a name is another name", "POST / HTTP/1.1↵Host: a↵Content_Length: 5↵Content-Length: 2↵↵hi", "200",
		"POST / HTTP/1.1↵Host: a↵Content_Length: 5↵Content-Length: 2↵↵hi"},
	{"field too long", "GET / HTTP/1.1↵Host: a↵X: " + strings.Repeat("b", 20<<10) + "↵↵", "431 field too long", ""},
	{"field without an end", "GET / HTTP/1.1↵Host: a↵X: " + strings.Repeat("b", 20<<10), "431 field too long", ""},
	{"head too long", "GET / HTTP/1.1↵Host: a↵" + strings.Repeat("X: "+strings.Repeat("b", 2000)+"↵", 40) + "↵", "431 head too long", ""},
	{"too many fields", "GET / HTTP/1.1↵Host: a↵" + strings.Repeat("X: b↵", 200) + "↵", "431 too many fields", ""},
	{"long head", "GET / HTTP/1.1↵Host: a↵" + strings.Repeat("X: "+strings.Repeat("b", 500)+"↵", 100) + "↵", "200", asIs},

	// 6.1 to 6.3: framing.
	{"length", "POST / HTTP/1.1↵Host: a↵Content-Length: 5↵↵hello", "200", asIs},
	{"length of zero", "POST / HTTP/1.1↵Host: a↵Content-Length: 0↵↵", "200", asIs},
	{"no length of POST", "POST / HTTP/1.1↵Host: a↵↵", "200", "POST / HTTP/1.1↵Host: a↵Content-Length: 0↵↵"},
	{"body of GET", "GET / HTTP/1.1↵Host: a↵Content-Length: 2↵↵hi", "200", asIs},
	{"length with zeros before", "POST / HTTP/1.1↵Host: a↵Content-Length: 005↵↵hello", "200", "POST / HTTP/1.1↵Host: a↵Content-Length: 5↵↵hello"},
	{"length in HTTP/1.0", "POST / HTTP/1.0↵Host: a↵Content-Length: 2↵↵hi", "200", "POST / HTTP/1.1↵Host: a↵Content-Length: 2↵↵hi"},
	{"empty length", "POST / HTTP/1.1↵Host: a↵Content-Length: ↵↵", "400 bad Content-Length", ""},
	{"length with a sign", "POST / HTTP/1.1↵Host: a↵Content-Length: +5↵↵hello", "400 bad Content-Length", ""},
	{"length below zero", "POST / HTTP/1.1↵Host: a↵Content-Length: -1↵↵", "400 bad Content-Length", ""},
	{"length in hexadecimal", "POST / HTTP/1.1↵Host: a↵Content-Length: 0x5↵↵hello", "400 bad Content-Length", ""},
	{"length with a fraction", "POST / HTTP/1.1↵Host: a↵Content-Length: 5.0↵↵hello", "400 bad Content-Length", ""},
	{"length with a space", "POST / HTTP/1.1↵Host: a↵Content-Length: 5 5↵↵hello", "400 bad Content-Length", ""},
	{"length with an underscore", "POST / HTTP/1.1↵Host: a↵Content-Length: 1_0↵↵hello", "400 bad Content-Length", ""},
	{"length in other digits", "POST / HTTP/1.1↵Host: a↵Content-Length: ５↵↵hello", "400 bad Content-Length", ""},
	{"length beyond 64 bits", "POST / HTTP/1.1↵Host: a↵Content-Length: 18446744073709551621↵↵hello", "400 bad Content-Length", ""},
	{"list of lengths", "POST / HTTP/1.1↵Host: a↵Content-Length: 5, 5↵↵hello", "400 bad Content-Length", ""},
	{"list of different lengths", "POST / HTTP/1.1↵Host: a↵Content-Length: 5,6↵↵hello", "400 bad Content-Length", ""},
	{"two lengths", "POST / HTTP/1.1↵Host: a↵Content-Length: 5↵Content-Length: 6↵↵hello!", "400 several Content-Length", ""},
	{"two equal lengths", "POST / HTTP/1.1↵Host: a↵Content-Length: 5↵content-length: 5↵↵hello", "400 several Content-Length", ""},
	{"both lengths", "POST / HTTP/1.1↵Host: a↵Content-Length: 5↵Transfer-Encoding: chunked↵↵0↵↵", "400 Content-Length beside Transfer-Encoding", ""},
	{"both lengths the other way round", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵Content-Length: 5↵↵0↵↵", "400 Content-Length beside Transfer-Encoding", ""},
	{"both lengths, one bad", "POST / HTTP/1.1↵Host: a↵Content-Length: x↵Transfer-Encoding: x↵↵", "400 Content-Length beside Transfer-Encoding", ""},
	{"coding in HTTP/1.0", "POST / HTTP/1.0↵Host: a↵Transfer-Encoding: chunked↵↵0↵↵", "400 Transfer-Encoding in HTTP/1.0", ""},
	{"coding in other letters", "POST / HTTP/1.1↵Host: a↵tRANSFER-eNCODING: Chunked↵↵0↵↵", "200", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵0↵↵"},
	{"identity", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: identity↵↵", "400 bad Transfer-Encoding", ""},
	{"coding with letters before", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: xchunked↵↵0↵↵", "400 bad Transfer-Encoding", ""},
	{"coding in quotation marks", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: \"chunked\"↵↵0↵↵", "400 bad Transfer-Encoding", ""},
	{"coding with a parameter", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked;q=1↵↵0↵↵", "400 bad Transfer-Encoding", ""},
	{"coding with a comma", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked,↵↵0↵↵", "400 bad Transfer-Encoding", ""},
	{"coding behind a comma", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: ,chunked↵↵0↵↵", "400 bad Transfer-Encoding", ""},
	{"empty coding", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: ↵↵0↵↵", "400 bad Transfer-Encoding", ""},
	{"chunked twice", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked, chunked↵↵0↵↵", "400 bad Transfer-Encoding", ""},
	{"two codings in two fields", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵Transfer-Encoding: identity↵↵0↵↵", "400 bad Transfer-Encoding", ""},
	{"chunked in two fields", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵Transfer-Encoding: chunked↵↵0↵↵", "400 bad Transfer-Encoding", ""},
	{"chunked is not last", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked, gzip↵↵0↵↵", "400 bad Transfer-Encoding", ""},
	{"gzip alone", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: gzip↵↵", "400 bad Transfer-Encoding", ""},
	{"gzip and chunked", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: gzip, chunked↵↵0↵↵", "501 unknown transfer coding", ""},
	{"body longer than allowed", "POST / HTTP/1.1↵Host: a↵Content-Length: 999999999↵↵", "413 body too long", ""},

	// 7.1: chunks.
	{"chunks", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵5↵hello↵0↵↵", "200", asIs},
	{"size with zeros before", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵0005↵hello↵000↵↵", "200",
		"POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵5↵hello↵0↵↵"},
	{"size in capitals", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵A↵0123456789↵0↵↵", "200",
		"POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵a↵0123456789↵0↵↵"},
	{"extensions go no further", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵5;a;b=c ; d=\"e\\\";f\"↵hello↵0;g↵↵", "200",
		"POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵5↵hello↵0↵↵"},
	{"no size", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵↵hello↵0↵↵", "400 bad chunk size", "*"},
	{"size with a sign", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵+5↵hello↵0↵↵", "400 bad chunk size", "*"},
	{"size below zero", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵-5↵hello↵0↵↵", "400 bad chunk size", "*"},
	{"size with 0x", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵0x5↵hello↵0↵↵", "400 bad chunk size", "*"},
	{"size of no digits", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵g↵hello↵0↵↵", "400 bad chunk size", "*"},
	{"size with a space before", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵ 5↵hello↵0↵↵", "400 bad chunk size", "*"},
	{"size with a space behind", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵5 ↵hello↵0↵↵", "400 bad chunk size", "*"},
	{"size beyond 64 bits", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵10000000000000005↵hello↵0↵↵", "400 bad chunk size", "*"},
	{"size of 63 bits", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵ffffffffffffffff↵hello↵0↵↵", "400 bad chunk size", "*"},
	{"size of seventeen zeros", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵00000000000000000↵↵", "400 bad chunk size", "*"},
	{"bare LF behind the size", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵5␊hello↵0↵↵", "400 bare LF", "*"},
	{"bare CR behind the size", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵5␍hello↵0↵↵", "400 bad chunk size", "*"},
	{"bare LF in an extension", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵5;a␊b↵hello↵0↵↵", "400 bare LF", "*"},
	{"bare CR in an extension", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵5;a␍b↵hello↵0↵↵", "400 bad chunk size", "*"},
	{"extension without a name", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵5;↵hello↵0↵↵", "400 bad chunk size", "*"},
	{"extension without a semicolon", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵5 a↵hello↵0↵↵", "400 bad chunk size", "*"},
	{"extension without an end", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵5;a=\"b↵hello↵0↵↵", "400 bad chunk size", "*"},
	{"long extension", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵5;a=" + strings.Repeat("b", 300) + "↵hello↵0↵↵", "400 bad chunk size", "*"},
	{"many extensions", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵" + strings.Repeat("1;a="+strings.Repeat("b", 200)+"↵x↵", 30) + "0↵↵",
		"400 bad chunk size", "*"},
	{"data longer than its size", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵3↵hello↵0↵↵", "400 bad end of chunk", "*"},
	{"data shorter than its size", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵7↵hello↵0↵↵", "400 bad end of chunk", "*"},
	{"bare LF behind the data", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵5↵hello␊0↵↵", "400 bare LF", "*"},
	{"chunk longer than allowed", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵fffffff↵", "413 body too long", "*"},

	// 7.1.2: trailers.
	{"trailer", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵5↵hello↵0↵X-Sum: 1↵Y: 2↵↵", "200", asIs},
	{"length in a trailer", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵0↵Content-Length: 5↵↵", "400 field not allowed in a trailer", "*"},
	{"coding in a trailer", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵0↵transfer-encoding: x↵↵", "400 field not allowed in a trailer", "*"},
	{"Host in a trailer", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵0↵Host: b↵↵", "400 field not allowed in a trailer", "*"},
	{"credentials in a trailer", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵0↵Authorization: b↵↵", "400 field not allowed in a trailer", "*"},
	{"folded trailer", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵0↵X: a↵ b↵↵", "400 folded line", "*"},
	{"space before the colon of a trailer", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵0↵X : a↵↵", "400 space before colon", "*"},
	{"bare LF behind a trailer", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵0↵X: a␊↵", "400 bare LF", "*"},
	{"request in the place of a trailer", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵0↵GET / HTTP/1.1↵↵", "400 bad field name", "*"},
	{"long trailer", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵0↵X: " + strings.Repeat("a", 10<<10) + "↵↵",
		"400 field not allowed in a trailer", "*"},

	// 9.3: one connection, several requests.
	{"pipelined", "GET /1 HTTP/1.1↵Host: a↵↵GET /2 HTTP/1.1↵Host: b↵↵GET /3 HTTP/1.1↵Host: c↵↵", "200 200 200", asIs},
	{"behind a body", "POST /1 HTTP/1.1↵Host: a↵Content-Length: 5↵↵helloGET /2 HTTP/1.1↵Host: a↵↵", "200 200", asIs},
	{"behind chunks", "POST /1 HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵5↵hello↵0↵↵GET /2 HTTP/1.1↵Host: a↵↵", "200 200", asIs},
	{"a bad one behind a good one", "GET /1 HTTP/1.1↵Host: a↵↵GET /2 HTTP/1.1↵↵", "200 400 no Host", "GET /1 HTTP/1.1↵Host: a↵↵"},
	{"body longer than its length", "POST /1 HTTP/1.1↵Host: a↵Content-Length: 3↵↵hello", "200", "POST /1 HTTP/1.1↵Host: a↵Content-Length: 3↵↵hel"},
	{"a request in a body stays in it", "POST /1 HTTP/1.1↵Host: a↵Content-Length: 30↵↵GET /2 HTTP/1.1↵Host: a↵↵GE", "200", asIs},
	{"nothing follows close", "GET /1 HTTP/1.1↵Host: a↵Connection: close↵↵GET /2 HTTP/1.1↵Host: a↵↵", "200", "GET /1 HTTP/1.1↵Host: a↵↵"},
	{"nothing follows HTTP/1.0", "GET /1 HTTP/1.0↵Host: a↵↵GET /2 HTTP/1.0↵Host: a↵↵", "200", "GET /1 HTTP/1.1↵Host: a↵↵"},
	{"HTTP/1.0 that would go on", "GET /1 HTTP/1.0↵Host: a↵Connection: keep-alive↵↵GET /2 HTTP/1.0↵Host: a↵↵", "200 200",
		"GET /1 HTTP/1.1↵Host: a↵↵GET /2 HTTP/1.1↵Host: a↵↵"},
	{"nothing follows a refusal", "GET / HTTP/1.1↵↵GET /2 HTTP/1.1↵Host: a↵↵", "400 no Host", ""},
	{"smuggling by both lengths", "POST / HTTP/1.1↵Host: a↵Content-Length: 6↵Transfer-Encoding: chunked↵↵0↵↵GET /x HTTP/1.1↵Host: a↵↵",
		"400 Content-Length beside Transfer-Encoding", ""},

	// RFC 9110 section 10.1.1.
	{"expectation of another kind", "POST / HTTP/1.1↵Host: a↵Expect: x↵Content-Length: 2↵↵hi", "417 unknown expectation", ""},
	{"expectation in HTTP/1.0 is none", "POST / HTTP/1.0↵Host: a↵Expect: 100-continue↵Content-Length: 2↵↵hi", "200",
		"POST / HTTP/1.1↵Host: a↵Content-Length: 2↵↵hi"},
	{"expectation without a body is none", "GET / HTTP/1.1↵Host: a↵Expect: 100-continue↵↵", "200", "GET / HTTP/1.1↵Host: a↵↵"},
}

var marks = strings.NewReplacer("↵", "\r\n", "␊", "\n", "␍", "\r", "␀", "\x00")

func TestCorpus(t *testing.T) {
	require.GreaterOrEqual(t, len(corpus), 150)
	for _, c := range corpus {
		t.Run(c.name, func(t *testing.T) {
			r := newRelay(t)
			expected := len(regexp.MustCompile(`\b\d{3}\b`).FindAllString(c.answers, -1))
			answers, reason := r.send(marks.Replace(c.in), expected)
			if reason != "" {
				answers += " " + reason
			}
			require.Equal(t, c.answers, answers)
			switch seen := r.origin.all(); c.seen {
			case "*": // refused amid the body: the origin must not take what came for a whole request
				require.Zero(t, r.origin.requests.Load())
			case asIs:
				require.Equal(t, marks.Replace(c.in), seen)
			default:
				require.Equal(t, strings.ReplaceAll(marks.Replace(c.seen), "ORIGIN", r.origin.address), seen)
			}
		})
	}
}
