package components

import (
	"strconv"
	"sync"

	"trafficlab/scenarios"
)

// filler is the text that stands for bodies, as much of it as was ever asked
// for.
var filler struct {
	mu   sync.Mutex
	text []byte
}

// Filler returns the body of that size that a Body without bytes stands for:
// text like a JSON list of products, the same everywhere and always, that gzip
// makes about five times smaller. A shorter one is the beginning of a longer.
// The caller must not change it. It is safe for concurrent use.
func Filler(size int64) []byte {
	filler.mu.Lock()
	defer filler.mu.Unlock()
	for int64(len(filler.text)) < size {
		filler.text = appendProduct(filler.text)
	}
	return filler.text[:size:size]
}

var (
	adjectives = []string{"small", "rustic", "ergonomic", "sleek", "handmade", "refined", "practical", "plain"}
	materials  = []string{"wooden", "steel", "cotton", "granite", "rubber", "copper", "linen", "glass"}
	things     = []string{"chair", "table", "lamp", "shoe", "bottle", "keyboard", "clock", "shelf"}
)

// appendProduct adds one more item, drawn by where in the text it stands.
func appendProduct(text []byte) []byte {
	x := scenarios.Mix(uint64(len(text)), scenarios.Hash("filler"))
	word := func(list []string, shift int) string { return list[x>>shift%uint64(len(list))] }
	begin := byte('[')
	if len(text) > 0 {
		begin = ','
	}
	text = append(text, begin)
	text = append(text, `{"id": `...)
	text = strconv.AppendUint(text, x>>40, 10)
	text = append(text, `, "name": "`...)
	text = append(text, word(adjectives, 0)+" "+word(materials, 3)+" "+word(things, 6)...)
	text = append(text, `", "price": `...)
	text = strconv.AppendUint(text, x>>10%10000, 10)
	text = append(text, `, "currency": "EUR", "available": `...)
	return append(strconv.AppendBool(text, x>>30&3 != 0), '}')
}
