//go:build unix

package measure

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// holds tells that hold keeps others out.
const holds = true

// hold takes a directory for this process alone, until the file is closed or
// the process ends, in whatever way.
func hold(dir string) (*os.File, error) {
	file, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		file.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, errors.New("another run of trafficlab writes there; wait for its end, or choose another directory")
		}
		return nil, err
	}
	return file, nil
}
