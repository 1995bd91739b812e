package live

import "trafficlab/topologies"

// SystemOptions say where a system keeps its files and what it runs.
type SystemOptions struct {
	Dir    string // for logs, and for keys as long as the system runs
	Binary string // trafficlab itself; "": this program

	// Temporary says that Dir ends with the system, whatever becomes of this
	// process.
	Temporary bool
}

// Door is where a place listens.
type Door struct {
	Place topologies.Place
	URL   string
	Admin string // "" of external nodes
}
