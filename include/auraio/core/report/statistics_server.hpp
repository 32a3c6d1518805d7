// statistics_server: a thread that answers with snapshots, on a socket of its user's or to Prometheus.
#pragma once

#include "auraio/core/report/engine_stats.hpp"

#include <functional>
#include <memory>
#include <string>

namespace aura::core {

/// What a statistics_server serves, and where.
struct statistics_options {
    std::string name = "main"; ///< of what is watched: the label `context`
    /// Serve Prometheus' text at http://127.0.0.1:port/metrics as well, to every user of the machine.
    bool prometheus = false;
    unsigned short prometheus_port = 0; ///< 0: a free one, see statistics_server::prometheus_port()
};

/// Serves snapshots from construction to destruction, in a thread of its own: it answers, too, while all
/// rings are stuck in handlers, and costs them nothing.
///
/// On the UNIX socket, which only this user (and root) may open, each connection gets one snapshot at once, and
/// another for each line it sends. A snapshot is a line of JSON.
class statistics_server {
public:
    using source = std::function<engine_stats()>; ///< called in the thread of the server

    /// Throws engine_error (EADDRINUSE when another serves there, or what is there is no socket of ours) and
    /// bad_alloc. A socket that a process has left behind is replaced.
    statistics_server(source snapshot, const std::string& path, const statistics_options& options = {});
    /// Ends the thread, and removes the socket.
    ~statistics_server();
    statistics_server(statistics_server&&) noexcept;
    statistics_server& operator=(statistics_server&&) noexcept;

    /// 0: Prometheus is not served.
    unsigned short prometheus_port() const noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

/// A snapshot as one line of JSON, without the line's end. Names and units are those of the metrics for
/// Prometheus, without `auraio_` and `_total`; an open gate's limit is null.
std::string to_json(const engine_stats& stats, const std::string& name);

} // namespace aura::core
