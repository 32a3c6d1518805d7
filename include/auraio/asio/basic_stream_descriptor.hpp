// basic_stream_descriptor: Asio's template, specialised for executors that lead to a ring.
#pragma once

#include "auraio/asio/basic_descriptor.hpp"
#include "auraio/detail/descriptor_transfer.hpp"

#include AURAIO_ASIO(posix/basic_stream_descriptor.hpp)

AURAIO_NET_OPEN
namespace posix {

/// A stream descriptor on a ring: terminals, pipes, inotify, regular files, whatever read(2) and write(2)
/// move forward. Interface and meaning are Asio's; see there, and aura::detail::descriptor_object.
template <class Executor>
    requires aura::detail::ring_executor<Executor>
class basic_stream_descriptor<Executor> : public aura::detail::writable_descriptor<
                                              aura::detail::readable_descriptor<basic_descriptor<Executor>>> {
    using base =
        aura::detail::writable_descriptor<aura::detail::readable_descriptor<basic_descriptor<Executor>>>;

public:
    using typename base::executor_type;
    using typename base::native_handle_type;

    template <class OtherExecutor>
    struct rebind_executor {
        using other = basic_stream_descriptor<OtherExecutor>;
    };

    using base::base;
    basic_stream_descriptor(basic_stream_descriptor&&) = default;
    basic_stream_descriptor& operator=(basic_stream_descriptor&&) = default;

    template <class OtherExecutor>
        requires aura::detail::executor_converts<OtherExecutor, Executor>
    basic_stream_descriptor(basic_stream_descriptor<OtherExecutor>&& other)
        : base(std::move(other)) {}
    template <class OtherExecutor>
        requires aura::detail::executor_converts<OtherExecutor, Executor>
    basic_stream_descriptor& operator=(basic_stream_descriptor<OtherExecutor>&& other) {
        base::operator=(std::move(other));
        return *this;
    }
    ~basic_stream_descriptor() = default;
};

} // namespace posix
AURAIO_NET_CLOSE
