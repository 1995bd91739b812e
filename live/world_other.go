//go:build !linux

package live

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"time"

	"trafficlab/bench/measure"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// errNeedsLinux is what this world says elsewhere.
var errNeedsLinux = errors.New("the live world needs Linux; the simulator (--world sim) runs here too")

// System is a running topology; there is none on this system.
type System struct{}

// Start says that the live world needs Linux.
func Start(context.Context, *scenarios.Case, SystemOptions) (*System, error) {
	return nil, errNeedsLinux
}

// RunNode says that the live world needs Linux.
func RunNode(context.Context, string, topologies.Place, int64) error { return errNeedsLinux }

// Guard says that the live world needs Linux.
func Guard(io.Reader, io.Writer) error { return errNeedsLinux }

// OnMonotonic says that the live world needs Linux.
func OnMonotonic(time.Time) (time.Duration, error) { return 0, errNeedsLinux }

// Monotonic says that the live world needs Linux.
func Monotonic(time.Duration) (time.Time, error) { return time.Time{}, errNeedsLinux }

// Lock says that the live world needs Linux.
func Lock() (release func(), err error) { return nil, errNeedsLinux }

// The methods are never called: Start makes no System.

func (*System) Entry() (string, *tls.Config)    { return "", nil }
func (*System) Run() string                     { return "" }
func (*System) URLs() []Door                    { return nil }
func (*System) Authority() string               { return "" }
func (*System) Begin() time.Time                { return time.Time{} }
func (*System) Use() ([]measure.NodeUse, error) { return nil, errNeedsLinux }
func (*System) Died() <-chan error              { return nil }
func (*System) Reload(string, []byte) error     { return errNeedsLinux }
func (*System) Stop() error                     { return nil }
