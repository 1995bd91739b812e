package components

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"trafficlab/topologies"
)

// The header fields of API keys.
const (
	keyField      = "X-Api-Key"
	consumerField = "X-Consumer"
)

// keyring knows consumers by their API keys. Keys are kept and compared by
// digest, so that the time it takes tells nothing about how much of a guess was
// right.
type keyring map[digest]*bearer

// digest stands for a credential.
type digest [sha256.Size]byte

func newKeyring(keys map[string]string) keyring {
	ring := keyring{}
	for consumer, key := range keys {
		hashed, stored := strings.CutPrefix(key, topologies.HashedKey)
		d := digest(sha256.Sum256([]byte(key)))
		if stored {
			if n, err := hex.Decode(d[:], []byte(hashed)); err != nil || n != len(d) {
				continue // the topology's check has refused it
			}
		}
		ring[d] = &bearer{consumer: consumer}
	}
	return ring
}
