package measure

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// earlierDir holds, in a store whose first repetition is not finished yet, the
// result that the store held before: a run that comes to nothing costs nothing.
const earlierDir = ".earlier"

// belongings is what makes up a result, the mark last.
var belongings = []string{"report.html", resultFile, runsDir, planFile}

// setAside keeps an earlier result until another has begun to take its place.
func (s *Store) setAside() error {
	if err := s.bringBack(); err != nil { // of one that was killed
		return err
	}
	aside := filepath.Join(s.Dir, earlierDir)
	if err := os.RemoveAll(aside); err != nil {
		return err
	}
	if _, err := os.Lstat(filepath.Join(s.Dir, planFile)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := os.Mkdir(aside, 0o755); err != nil {
		return err
	}
	return move(s.Dir, aside, belongings)
}

// bringBack puts the earlier result in the place of one of which no repetition
// is finished. What nodes said in one that broke stays.
func (s *Store) bringBack() error {
	aside := filepath.Join(s.Dir, earlierDir)
	if _, err := os.Lstat(filepath.Join(aside, planFile)); err != nil || s.finished() {
		return nil
	}
	drafts, _ := os.ReadDir(filepath.Join(s.Dir, runsDir))
	for _, d := range drafts {
		if err := os.Rename(filepath.Join(s.Dir, runsDir, d.Name()), filepath.Join(aside, runsDir, d.Name())); err != nil {
			return err
		}
	}
	for _, name := range belongings {
		if err := os.RemoveAll(filepath.Join(s.Dir, name)); err != nil {
			return err
		}
	}
	return errors.Join(move(aside, s.Dir, belongings), os.RemoveAll(aside))
}

// finished tells whether there is a finished repetition.
func (s *Store) finished() bool {
	entries, _ := os.ReadDir(filepath.Join(s.Dir, runsDir))
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), draftMark) {
			return true
		}
	}
	return false
}

// move takes those along that there are.
func move(from, to string, names []string) error {
	for _, name := range names {
		err := os.Rename(filepath.Join(from, name), filepath.Join(to, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
