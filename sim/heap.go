package sim

import "time"

// kind says what an event is about, and what its slot counts.
type kind uint8

const (
	turned    kind = iota // slot: of the timeline of weather
	warmed                // the warm-up is over
	expired               // the oldest client's patience
	asked                 // slot: client of a closed stream, has thought
	sent                  // slot: call, on its way out of the client
	connected             // slot: call, its connection is there
	gaveUp                // slot: call, waited too long for a connection
	received              // slot: call of a client, its answer's body has ended
	visited               // slot: frame, the request is read
	elapsed               // slot: frame, its wait is over
	looked                // a tick of the lookout is over
	went                  // slot: call, what was under way over its link is there
	snapped               // slot: of the resets of links
	came                  // slot: call, what was under way over its link is back
)

// event is a small value without pointers. The sequence number stands above
// kind and slot in one word, so that equal instants keep the order in which
// they were scheduled.
type event struct {
	at   time.Duration
	word uint64 // sequence: 36 bits, kind: 4, slot: 24
}

const (
	slotBits  = 24
	kindBits  = 4
	slotLimit = 1 << slotBits

	sequenceLimit = 1 << (64 - slotBits - kindBits)
)

func (e event) kind() kind { return kind(e.word >> slotBits & (1<<kindBits - 1)) }
func (e event) slot() int  { return int(e.word & (slotLimit - 1)) }

func word(sequence uint64, k kind, slot int) uint64 {
	return sequence<<(slotBits+kindBits) | uint64(k)<<slotBits | uint64(slot)
}

func (e event) before(o event) bool {
	return e.at < o.at || e.at == o.at && e.word < o.word
}

// heap is a 4-ary heap of events: shallower than a binary one, and the four
// children share a cache line.
type heap []event

func (h *heap) push(e event) {
	*h = append(*h, e)
	s := *h
	i := len(s) - 1
	for i > 0 {
		parent := (i - 1) / 4
		if !e.before(s[parent]) {
			break
		}
		s[i] = s[parent]
		i = parent
	}
	s[i] = e
}

func (h *heap) pop() event {
	s := *h
	top, last := s[0], s[len(s)-1]
	*h = s[:len(s)-1]
	if len(*h) > 0 {
		h.replace(last)
	}
	return top
}

// replace puts e in the place of the first event.
func (h *heap) replace(e event) {
	s := *h
	i := 0
	for {
		least := i*4 + 1
		if least >= len(s) {
			break
		}
		for child := least + 1; child < min(i*4+5, len(s)); child++ {
			if s[child].before(s[least]) {
				least = child
			}
		}
		if !s[least].before(e) {
			break
		}
		s[i] = s[least]
		i = least
	}
	s[i] = e
}
