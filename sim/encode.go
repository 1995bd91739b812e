package sim

import "trafficlab/components"

func encodedSize(coding string, b components.Body) int64 { return b.Size }
