package live

import "trafficlab/topologies"

// SystemOptions say where a system keeps its files and what it runs.
type SystemOptions struct {
	Dir    string // for logs, and for keys as long as the system runs
	Binary string // trafficlab itself; "": this program

	// Beside are processes of the program that end with the system, and spoil
	// the run if they end with an error before.
	Beside []Companion

	// Temporary says that Dir ends with the system, whatever becomes of this
	// process.
	Temporary bool
}

// Companion is a process beside the nodes: the program with the arguments given
// and --manifest, for ReadTarget. Its output goes to a log of its name.
type Companion struct {
	Name string
	Args []string
}

// Door is where a place listens.
type Door struct {
	Place topologies.Place
	URL   string
	Admin string // "" of external nodes
}
