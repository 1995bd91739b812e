package components

import (
	"crypto/sha256"
	"runtime"

	"golang.org/x/crypto/bcrypt"
)

// passwords knows consumers by name and password, of which it has bcrypt
// hashes. A hash is slow on purpose (60 ms at cost 10 to 12): what came of a
// pair is remembered by its digest, right or wrong.
//
// Source: N. Provos and D. Mazières, "A Future-Adaptable Password Scheme",
// 1999; RFC 7617.
// Weak spot: each new guess costs a full hash, and others who are new wait for
// it; a limit by address before it keeps guessers from costing more.
type passwords struct {
	people map[string]*bearer
	hashes map[string][]byte
	decoy  []byte // for names that nobody has: they take as long
	found  found[bool]

	compare func(hash, password []byte) error
	under   chan struct{} // holds one for each comparison under way
}

func newPasswords(hashes map[string]string) *passwords {
	if hashes == nil {
		return nil
	}
	p := &passwords{people: map[string]*bearer{}, hashes: map[string][]byte{},
		compare: bcrypt.CompareHashAndPassword, under: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))}
	most := 0
	for name, hash := range hashes {
		p.people[name], p.hashes[name] = &bearer{consumer: name}, []byte(hash)
		cost, _ := bcrypt.Cost([]byte(hash)) // the topology's check has refused what is none
		if cost > most || cost == most && string(hash) > string(p.decoy) {
			most, p.decoy = cost, []byte(hash)
		}
	}
	return p
}

// bearer is who shows a Basic credential.
func (p *passwords) bearer(shown string) (who *bearer, ok bool) {
	name, password, ok := basicPair(shown)
	if !ok {
		return nil, false
	}
	hash, known := p.hashes[name]
	if !known {
		hash = p.decoy
	}
	d := digest(sha256.Sum256([]byte(string(hash) + "\x00" + name + "\x00" + password)))
	right, seen := p.found.get(d)
	if !seen {
		right = p.find(d, hash, password, known)
	}
	if !right {
		return nil, false
	}
	return p.people[name], true
}

// find finds out whether a password is right. At most half of the processors
// are busy with that: the others go on with those who are known. Who waits may
// find that somebody has asked the same.
func (p *passwords) find(d digest, hash []byte, password string, known bool) (right bool) {
	p.under <- struct{}{}
	defer func() { <-p.under }()
	right, seen := p.found.get(d)
	if !seen {
		right = p.compare(hash, []byte(password)) == nil && known
		p.found.put(d, right)
	}
	return right
}
