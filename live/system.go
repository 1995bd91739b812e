package live

import "trafficlab/topologies"

// SystemOptions say where a system keeps its files and what it runs.
type SystemOptions struct {
	Dir    string // for logs, and for keys as long as the system runs
	Binary string // trafficlab itself; "": this program
}

// Door is where a place listens.
type Door struct {
	Place topologies.Place
	URL   string
	Admin string // "" of external nodes
}
