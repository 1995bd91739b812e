package measure

import "io"

// reel hands out the samples of a run once, in order.
type reel interface {
	// turn returns the next sample, which holds until the next turn, or io.EOF
	// at their end. Other errors say what could not be read.
	turn() (*Sample, error)
	Close() error
}

// reel begins to read the samples, wherever they are.
func (r *Run) reel() (reel, error) {
	if r.shelf != nil {
		return openSamples(r.shelf.path, r.shelf.seal)
	}
	return &inMemory{r.Samples}, nil
}

// shelf is where the samples of a stored run are.
type shelf struct {
	path string
	seal Seal
}

// Load reads the samples of a stored run into its Samples. That takes 80 bytes
// for each.
func (r *Run) Load() error {
	if r.shelf == nil {
		return nil
	}
	samples, err := r.reel()
	if err != nil {
		return err
	}
	defer samples.Close()
	all := make([]Sample, 0, r.shelf.seal.room())
	for {
		s, err := samples.turn()
		if err == io.EOF {
			r.Samples, r.shelf = all, nil
			return nil
		}
		if err != nil {
			return err
		}
		all = append(all, *s)
	}
}

// inMemory is samples that nothing was stored of.
type inMemory struct{ left []Sample }

func (m *inMemory) turn() (*Sample, error) {
	if len(m.left) == 0 {
		return nil, io.EOF
	}
	s := &m.left[0]
	m.left = m.left[1:]
	return s, nil
}

func (m *inMemory) Close() error { return nil }
