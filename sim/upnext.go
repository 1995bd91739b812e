package sim

// upNext is the frames that are ready, first come first served. It is empty
// before time goes on, and its storage then begins anew.
type upNext struct {
	frames []*frame
	head   int
}

func (q *upNext) empty() bool { return q.head == len(q.frames) }

func (q *upNext) push(f *frame) { q.frames = append(q.frames, f) }

// pop takes the first out. There must be one.
func (q *upNext) pop() *frame {
	f := q.frames[q.head]
	if q.head++; q.head == len(q.frames) {
		q.frames, q.head = q.frames[:0], 0
	}
	return f
}
