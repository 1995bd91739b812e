package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"trafficlab/scenarios"
	"trafficlab/sim"
	"trafficlab/topologies"
)

// Calibration is what the machinery was measured to cost on a machine. nil
// stands for what is built in.
type Calibration struct {
	Version  string // of this program
	System   string // kernel and architecture
	CPU      string
	Measured time.Time
	Costs    sim.Costs
}

// calibrationFormat is the version of the file. A reader refuses any other.
const calibrationFormat = 1

// BuiltIn names the calibration that every program carries.
const BuiltIn = "built-in"

// String names the calibration, the same for the same costs: a run says so
// where it came from.
func (c *Calibration) String() string {
	if c == nil {
		return BuiltIn
	}
	return fmt.Sprintf("%08x, measured %s on %d cores of %s with %s",
		c.sum(), c.Measured.UTC().Format(time.DateOnly), c.Costs.Cores, c.CPU, c.Version)
}

// sum is a check sum of the costs.
func (c *Calibration) sum() uint32 {
	text, err := json.Marshal(fileOf(c))
	if err != nil {
		panic(err) // it holds but text and numbers
	}
	h := fnv.New32a()
	h.Write(text)
	return h.Sum32()
}

// CostsOf is what the simulator is to charge for a scenario. One for the
// simulator alone is of no single machine.
func CostsOf(s *scenarios.Scenario, c *Calibration) sim.Costs {
	costs := sim.DefaultCosts()
	if c != nil {
		costs = c.Costs
	}
	if s.Apart() {
		return costs.Apart()
	}
	return costs
}

// calibrationFile is a calibration as a file has it: times as text.
type calibrationFile struct {
	Program  string    `json:"program"`
	Format   int       `json:"format"`
	Version  string    `json:"version"`
	System   string    `json:"system"`
	CPU      string    `json:"cpu"`
	Cores    int       `json:"cores"`
	Measured time.Time `json:"measured"`
	Latency  costTerms `json:"latency"`
	Work     costTerms `json:"processor-time"`
	Jitter   lasting   `json:"jitter"`
	Dial     lasting   `json:"dial"`
	TLS      lasting   `json:"tls-handshake"`
	Shared   lasting   `json:"shared-count"`
}

type costTerms struct {
	Client lasting                     `json:"client"`
	Visit  map[topologies.Kind]lasting `json:"visit"`
	Ask    lasting                     `json:"ask"`
}

// lasting is a duration as text.
type lasting time.Duration

func (d lasting) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

func (d *lasting) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err == nil && (v < 0 || v > time.Second) {
		err = fmt.Errorf("%s is no cost of a hop: 0s to 1s", v)
	}
	*d = lasting(v)
	return err
}

func fileOf(c *Calibration) calibrationFile {
	k := &c.Costs
	return calibrationFile{
		Program: "trafficlab calibration", Format: calibrationFormat,
		Version: c.Version, System: c.System, CPU: c.CPU, Cores: k.Cores, Measured: c.Measured,
		Latency: costTerms{lasting(k.Client), eachLasting[lasting](k.Visit), lasting(k.Ask)},
		Work:    costTerms{lasting(k.Work.Client), eachLasting[lasting](k.Work.Visit), lasting(k.Work.Ask)},
		Jitter:  lasting(k.Jitter), Dial: lasting(k.Dial), TLS: lasting(k.Handshake), Shared: lasting(k.Shared),
	}
}

func (f *calibrationFile) calibration() *Calibration {
	return &Calibration{
		Version: f.Version, System: f.System, CPU: f.CPU, Measured: f.Measured,
		Costs: sim.Costs{
			Visit: eachLasting[time.Duration](f.Latency.Visit), Ask: time.Duration(f.Latency.Ask), Client: time.Duration(f.Latency.Client),
			Dial: time.Duration(f.Dial), Handshake: time.Duration(f.TLS), Shared: time.Duration(f.Shared),
			Jitter: time.Duration(f.Jitter), Cores: f.Cores,
			Work: sim.Work{
				Visit: eachLasting[time.Duration](f.Work.Visit), Ask: time.Duration(f.Work.Ask), Client: time.Duration(f.Work.Client),
			},
		},
	}
}

func eachLasting[to, from ~int64](m map[topologies.Kind]from) map[topologies.Kind]to {
	all := make(map[topologies.Kind]to, len(m))
	for k, v := range m {
		all[k] = to(v)
	}
	return all
}

// Save writes the calibration to a file, at once, and makes its folder.
func (c *Calibration) Save(path string) error {
	text, err := json.MarshalIndent(fileOf(c), "", "  ")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o755)
	}
	if err == nil {
		err = os.WriteFile(path+".part", append(text, '\n'), 0o644)
	}
	if err == nil {
		err = os.Rename(path+".part", path)
	}
	if err != nil {
		return fmt.Errorf("write calibration: %w", err)
	}
	return nil
}

// LoadCalibration reads the file that Save wrote. Errors name it and say what
// is wrong with it.
func LoadCalibration(path string) (*Calibration, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read calibration: %w", err)
	}
	c, err := readCalibration(text)
	if err != nil {
		return nil, fmt.Errorf("read calibration %s: %w; measure again (trafficlab calibrate), or say --calibration %s", path, err, BuiltIn)
	}
	return c, nil
}

func readCalibration(text []byte) (*Calibration, error) {
	var f calibrationFile
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("it is damaged: %w", err)
	}
	switch {
	case f.Program != fileOf(&Calibration{}).Program:
		return nil, errors.New("it is no calibration of trafficlab")
	case f.Format != calibrationFormat:
		return nil, fmt.Errorf("it has format %d, and this version of trafficlab reads format %d", f.Format, calibrationFormat)
	case f.Cores < 1 || f.Cores > 1<<12:
		return nil, fmt.Errorf("it names %d cores", f.Cores)
	}
	for _, kind := range slices.Sorted(maps.Keys(sim.DefaultCosts().Visit)) {
		if _, known := f.Latency.Visit[kind]; !known {
			return nil, fmt.Errorf("it says nothing of a %s", kind)
		}
	}
	return f.calibration(), nil
}

// CalibrationPlace is where a calibration is looked for and kept unless told
// otherwise: in the user's configuration.
func CalibrationPlace() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("find the user's configuration: %w", err)
	}
	return filepath.Join(dir, "trafficlab", "calibration.json"), nil
}

// FindCalibration reads what a user names: a file, BuiltIn, or "" for the file
// in its place if there is one. It returns the file that it read, or "".
func FindCalibration(name string) (c *Calibration, path string, err error) {
	switch name {
	case BuiltIn:
		return nil, "", nil
	case "":
		if name, err = CalibrationPlace(); err != nil {
			return nil, "", nil // no configuration, no calibration
		}
		if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
			return nil, "", nil
		}
	}
	c, err = LoadCalibration(name)
	return c, name, err
}
