package scenarios

import (
	"embed"
	"fmt"
	"path/filepath"
	"slices"

	"trafficlab/topologies"
	"trafficlab/topologies/strict"
)

//go:embed *.yaml
var files embed.FS

// Init is a scenario to start from, with a comment on every field. It loads as
// it is.
//
//go:embed init.yaml
var Init string

// Options change a scenario as it is loaded.
type Options struct {
	Set    []Change // made in every variant
	Repeat int      // repetitions; 0: what the file says
	Seed   *uint64  // nil: what the file says
	Short  bool     // at most two repetitions
}

// shortRepeat is the least that gives an interval.
const shortRepeat = 2

// shipped is the registry of the scenarios inside the program, in the order in
// which they are best read: each asks about what the earlier ones showed.
var shipped = []string{"hops", "crash", "slow-replica", "gray-failure", "deploy", "cache", "flood", "all-in-one", "choices", "ten-thousand"}

// Shipped lists the names of the scenarios inside the program in the order of
// reading.
func Shipped() []string { return slices.Clone(shipped) }

// Open finds, reads and checks a scenario, shipped or in a file, with the
// topologies of all its variants. The error is strict.Problems, every mistake
// of all these files at once, or says that there is no such file.
func Open(nameOrFile string, o Options) (*Scenario, error) {
	file, folder, data, err := find(nameOrFile)
	if err != nil {
		return nil, err
	}
	s, err := parse(file, folder, data, o)
	if err != nil {
		return nil, err
	}
	s.File = nameOrFile
	return s, nil
}

// Read reads and checks a scenario whose text is at hand. Its topologies are
// shipped ones; file is its name in errors.
func Read(file string, data []byte, o Options) (*Scenario, error) { return parse(file, "", data, o) }

func find(nameOrFile string) (file, folder string, data []byte, err error) {
	if topologies.IsFile(nameOrFile) {
		data, err = strict.Load(nameOrFile)
		return nameOrFile, filepath.Dir(nameOrFile), data, err
	}
	if !slices.Contains(shipped, nameOrFile) {
		return "", "", nil, fmt.Errorf("no scenario is named %q (%s; a file is named with its folder or its .yaml)",
			nameOrFile, strict.Suggest(nameOrFile, "shipped are", Shipped()))
	}
	file = nameOrFile + ".yaml"
	data, err = files.ReadFile(file)
	return "scenarios/" + file, "", data, err
}

// fromOutside stands in the place of a file's name before mistakes in Options.Set.
const fromOutside = "--set"

func parse(file, folder string, data []byte, o Options) (*Scenario, error) {
	log := &strict.Log{}
	doc := strict.Parse(file, data, log)
	if doc == nil {
		return nil, log.Err()
	}
	r := reader{folder: folder, log: log, logs: logs{}, s: &Scenario{File: file}}
	for _, set := range o.Set {
		if c, ok := strict.ParseChange(fromOutside, set.Path+"="+set.Value, log); ok {
			r.sets = append(r.sets, c)
		}
	}
	r.scenario(doc)
	if err := log.Err(); err != nil {
		return nil, err
	}
	if o.Repeat > 0 {
		r.s.Repeat = o.Repeat
	}
	if o.Seed != nil {
		r.s.Seed = *o.Seed
	}
	if o.Short {
		r.s.Repeat = min(r.s.Repeat, shortRepeat)
	}
	return r.s, nil
}
