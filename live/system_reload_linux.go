package live

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"trafficlab/topologies"
)

// Reload sets all nodes as the text says, which is a topology in a file of that
// name: those behind others first, one after the other, each at once and
// without losing a request. Places that it leaves out go on unasked. If
// anything is wrong with it, nothing changes.
func (s *System) Reload(file string, text []byte) error {
	s.reloading.Lock()
	defer s.reloading.Unlock()
	t, err := topologies.Parse(file, text)
	if err != nil {
		return err
	}
	if err := s.fits(t); err != nil {
		return fmt.Errorf("reload %s: %w", file, err)
	}
	if err := s.tellAll(t, file, text, true); err != nil {
		return fmt.Errorf("reload %s: %w", file, err)
	}
	m := *s.manifest // for those who start from now on
	m.Case.Variant.Topology = t
	if err := errors.Join(m.write(s.path), s.tellAll(t, file, text, false)); err != nil {
		return fmt.Errorf("reload %s: %w", file, err)
	}
	return nil
}

// fits tells what of a topology would take a new start of the system.
func (s *System) fits(t *topologies.Topology) error {
	if t.Entry != s.topology.Entry {
		return fmt.Errorf("the entry is %s, where clients come to, and cannot become %s without a new start", s.topology.Entry, t.Entry)
	}
	for _, n := range t.Nodes {
		if n.Kind == topologies.External {
			if err := listens(n); err != nil {
				return err
			}
			continue
		}
		for _, place := range n.Places() {
			if _, started := s.manifest.Seats[place]; !started {
				return fmt.Errorf("%s was not started with the others: that takes a new start", place)
			}
		}
	}
	return nil
}

// tellAll tells the nodes of a topology, from the last to the first, what they
// are to be set to; with try only to look whether they can.
func (s *System) tellAll(t *topologies.Topology, file string, text []byte, try bool) error {
	var errs []error
	for _, p := range slices.Backward(s.processes) {
		if t.Node(p.place.Node()) == nil || !slices.Contains(t.Pool([]string{p.place.Node()}), p.place) {
			continue
		}
		if err := s.tell(p, file, text, try); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// tell reaches the present process of a place, if there is one: the next will
// read the manifest. One that has only just been started is given time.
func (s *System) tell(p *process, file string, text []byte, try bool) error {
	query := url.Values{"file": {file}}
	if try {
		query.Set("try", "1")
	}
	ctx, cancel := context.WithTimeout(s.ctx, startTime)
	defer cancel()
	for p.isUp() {
		err := s.post(ctx, p, "/reload?"+query.Encode(), text)
		var says nodeSays
		if err == nil || errors.As(err, &says) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("tell %s: %w", p.place, err)
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}

// nodeSays is a node's own word on why it cannot do what it was told.
type nodeSays struct{ error }

func (s *System) post(ctx context.Context, p *process, path string, text []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.seat.Admin+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", yaml)
	answer, err := s.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = nodeSays{errors.New(strings.TrimSpace(string(said)))}
	}
	return err
}
