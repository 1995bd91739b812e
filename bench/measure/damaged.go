package measure

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// asideMark begins the names of damaged repetitions that were set aside.
const asideMark = draftMark + "damaged-"

// Damaged is a stored repetition that cannot be read, and why.
type Damaged struct {
	dir string
	error
}

// Sound is Runs, but for those repetitions that are damaged, which it tells
// apart. It reads all samples for that.
func (s *Store) Sound() (runs []*Run, damaged []Damaged, err error) {
	err = s.each(func(dir string) error {
		run, err := readRun(dir)
		if err == nil {
			err = run.proof()
		}
		if err != nil {
			damaged = append(damaged, Damaged{dir, err})
		} else {
			runs = append(runs, run)
		}
		return nil
	})
	return runs, damaged, err
}

// proof reads the samples of a stored run to their end, and keeps none.
func (r *Run) proof() error {
	samples, err := r.reel()
	if err != nil {
		return err
	}
	defer samples.Close()
	for err == nil {
		_, err = samples.turn()
	}
	if err == io.EOF {
		return nil
	}
	return err
}

// SetAside takes a damaged repetition out of the runs. What is left of it is in
// the folder returned until the result is begun anew.
func (s *Store) SetAside(d Damaged) (string, error) {
	aside := filepath.Join(filepath.Dir(d.dir), asideMark+filepath.Base(d.dir))
	err := os.RemoveAll(aside)
	if err == nil {
		err = os.Rename(d.dir, aside)
	}
	if err != nil {
		return "", fmt.Errorf("set %s aside: %w", d.dir, err)
	}
	return aside, nil
}

// sweep removes what was under way when an execution was killed.
func (s *Store) sweep() error {
	entries, err := os.ReadDir(filepath.Join(s.Dir, runsDir))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if name := e.Name(); strings.HasPrefix(name, draftMark) && !strings.HasPrefix(name, asideMark) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(s.Dir, runsDir, name)))
		}
	}
	for _, name := range []string{planFile, resultFile} {
		err = errors.Join(err, os.RemoveAll(filepath.Join(s.Dir, name+partMark)))
	}
	return err
}
