package live

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Lock takes the right to run the live world, which one process of a user has
// at a time: two would spoil each other's figures. It ends with release, or
// with the process.
func Lock() (release func(), err error) {
	return lock(filepath.Join(os.TempDir(), fmt.Sprintf("trafficlab-%d.lock", os.Getuid())))
}

func lock(path string) (release func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the live world: %w", err)
	}
	err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err != nil {
		defer file.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("another live run is under way (process %s): two at once would spoil each other's figures", holder(path))
		}
		return nil, fmt.Errorf("lock the live world: %w", err)
	}
	if err := file.Truncate(0); err == nil {
		fmt.Fprintln(file, os.Getpid()) // for the word above; the lock holds without
	}
	return func() { file.Close() }, nil
}

func holder(path string) string {
	text, _ := os.ReadFile(path)
	if pid := strings.TrimSpace(string(text)); pid != "" {
		return pid
	}
	return "unknown"
}
