package measure

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// settled is how old a folder is that who made it has taken by now.
const settled = time.Minute

// Scratch makes a folder for runs that nobody keeps; done removes it. Those that
// processes of the same purpose have left, for they were killed, it removes at
// once.
func Scratch(purpose string) (dir string, done func() error, err error) {
	prefix := "trafficlab-" + purpose + "-"
	if holds {
		sweepUnheld(filepath.Join(os.TempDir(), prefix+"*"), time.Now().Add(-settled))
	}
	if dir, err = os.MkdirTemp("", prefix); err != nil {
		return "", nil, fmt.Errorf("make a folder for runs: %w", err)
	}
	held, err := hold(dir)
	if err != nil {
		return "", nil, errors.Join(fmt.Errorf("make a folder for runs: %w", err), os.Remove(dir))
	}
	return dir, func() error { return errors.Join(os.RemoveAll(dir), held.Close()) }, nil
}

// sweepUnheld removes folders that nobody holds and nobody has touched since, as far as
// they are ours to remove.
func sweepUnheld(pattern string, since time.Time) {
	left, _ := filepath.Glob(pattern) // a bad pattern matches none
	for _, dir := range left {
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() || info.ModTime().After(since) {
			continue
		}
		if held, err := hold(dir); err == nil {
			os.RemoveAll(dir)
			held.Close()
		}
	}
}
