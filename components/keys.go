package components

import "crypto/sha256"

// The header fields of API keys.
const (
	keyField      = "X-Api-Key"
	consumerField = "X-Consumer"
)

// keyring knows consumers by their API keys. Keys are compared by digest, so
// that the time it takes tells nothing about how much of a guess was right.
type keyring map[[sha256.Size]byte]string

func newKeyring(keys map[string]string) keyring {
	ring := keyring{}
	for consumer, key := range keys {
		ring[sha256.Sum256([]byte(key))] = consumer
	}
	return ring
}

func (k keyring) consumer(key string) (name string, ok bool) {
	if key == "" {
		return "", false
	}
	name, ok = k[sha256.Sum256([]byte(key))]
	return name, ok
}

// authenticated finds out whose request it is; if it needs a key and has none
// that is known, it answers so and is false.
func (p *proxy) authenticated(v *visit) bool {
	if p.keys == nil {
		if said := v.req.Header.Get(consumerField); said != "" && p.trust.has(v.req.Peer) {
			v.consumer = said
		}
		return true
	}
	consumer, ok := p.keys.consumer(v.req.Header.Get(keyField))
	if !ok {
		v.reply(unauthorized)
		return false
	}
	v.consumer = consumer
	return true
}
