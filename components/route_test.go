package components

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPathsThatMislead(t *testing.T) {
	for _, path := range []string{
		"/.", "/..", "/a/../b", "/a/./b", "/a/%2e%2E/b", "/a/.%2e", "/a%2f..%2Fb", "/a/..;v=1/b",
		`/a/..\b`, `/a\..\b`, "/public/..%5corders/1", "/public/..%5Corders/1", "/public%5c..%5corders", "/a%5c%2e%2e",
		"/public/..%00/orders/1", "/public/..%09/", "/a%00", "/%1f", "/%1F/b", "/a%0d%0ab", "/a%7f", "/a%7F", "/%41%07",
	} {
		require.True(t, misleads(path), path)
	}
	for _, path := range []string{
		"/", "*", "/a", "/.well-known/a", "/a..b", "/...", "/a%20b", "/%7e", "/%70", "/a%5cb", "/a%2fb", "/%c3%a4",
		"/%", "/%0", "/%1", "/%7", "/%1g", "/100%", "/a/%252e%252e/b", "/a%2500", "/..a", "/a;b=..",
	} {
		require.False(t, misleads(path), path)
	}
}
