// probe: static tracepoints (USDT), which bpftrace and perf attach to in a running program; see doc/observing.md.
#pragma once

// Where the build has found <sys/sdt.h> (Debian: systemtap-sdt-dev) each is one instruction that does nothing, and a
// note in the file that says where it stands and where its arguments are. They must be at hand: nothing is computed
// for one.
#if defined(AURAIO_HAS_PROBES)
#include <sys/sdt.h>
#define AURAIO_PROBE(name) DTRACE_PROBE(auraio, name)
#define AURAIO_PROBE1(name, a) DTRACE_PROBE1(auraio, name, a)
#define AURAIO_PROBE3(name, a, b, c) DTRACE_PROBE3(auraio, name, a, b, c)
#define AURAIO_PROBE4(name, a, b, c, d) DTRACE_PROBE4(auraio, name, a, b, c, d)
#else
#define AURAIO_PROBE(name) static_cast<void>(0)
#define AURAIO_PROBE1(name, a) static_cast<void>(0)
#define AURAIO_PROBE3(name, a, b, c) static_cast<void>(0)
#define AURAIO_PROBE4(name, a, b, c, d) static_cast<void>(0)
#endif
