package sim

// shelf holds things that are known by their slots and used again and again,
// those laid back last first: they are still warm. They stand side by side in
// boxes, so that finding one takes no look at a long list of where each is.
type shelf[T any] struct {
	boxes []*[box]T
	len   int  // slots in use or idle
	idle  []*T // those to be used again
}

// box is how many things a box holds: enough for one to begin at a page, and
// so things of whole cache lines with one.
const box = 256

// at is what is in a slot.
func (s *shelf[T]) at(slot int) *T { return &s.boxes[slot/box][slot%box] }

// take returns a thing that is idle; nil if there is none.
func (s *shelf[T]) take() *T {
	last := len(s.idle) - 1
	if last < 0 {
		return nil
	}
	t := s.idle[last]
	s.idle = s.idle[:last]
	return t
}

// lay makes a thing idle.
func (s *shelf[T]) lay(t *T) { s.idle = append(s.idle, t) }

// add makes a thing of its own slot.
func (s *shelf[T]) add() (t *T, slot int) {
	slot = s.len
	checkSlot(slot)
	if slot%box == 0 {
		s.boxes = append(s.boxes, new([box]T))
	}
	s.len++
	return s.at(slot), slot
}

// checkSlot guards the width of a slot in an event.
func checkSlot(slot int) {
	if slot >= slotLimit {
		panic("sim: more than 16 million requests at once")
	}
}
