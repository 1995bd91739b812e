package components

import (
	"encoding/json"
	"net/http"
	"strings"
)

// problem is a refusal of ours in the words of RFC 9457.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
}

// asProblem writes a refusal of ours as application/problem+json. Its header
// must not be shared.
func asProblem(r *Response) {
	detail := strings.TrimSpace(string(r.Body.Bytes))
	text, err := json.Marshal(problem{"about:blank", titleOf(r.Status), r.Status, detail})
	if err != nil { // of strings and a number never
		return
	}
	text = append(text, '\n')
	r.Body = Body{Size: int64(len(text)), Bytes: text}
	r.Header = r.Header.Set("Content-Type", "application/problem+json")
}

// titleOf is the phrase of a status as RFC 9110 has it, which renamed some.
func titleOf(status int) string {
	switch status {
	case http.StatusRequestEntityTooLarge:
		return "Content Too Large"
	case http.StatusRequestURITooLong:
		return "URI Too Long"
	}
	return http.StatusText(status)
}
