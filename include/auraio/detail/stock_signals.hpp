// stock_signals: Asio's own table of signals, which native sets enter as its sets do.
#pragma once

#include "auraio/core/io/signal_set.hpp"
#include "auraio/detail/config.hpp"

#include AURAIO_ASIO(basic_signal_set.hpp)

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <iterator>
#include <mutex>
#include <unistd.h>

// The process has one handler for each signal. Asio's sets install theirs for the first of them that has a
// signal, and the default again after the last; a native set that is counted there is neither overwritten nor
// undone, and hands on what its handler catches. All this is names of asio::detail, whose form has not
// changed from 1.22 to 1.38. Without them (a separately compiled Asio hides the table) native sets work, but
// must not share a signal with Asio's.
#if !defined(AURA_NO_ASIO_DETAIL) && defined(AURAIO_ASIO_HEADER_ONLY)
#define AURAIO_HAS_STOCK_SIGNALS
#endif

AURAIO_OPEN
namespace detail {

#if defined(AURAIO_HAS_STOCK_SIGNALS)

/// How many of the registrations that Asio's table counts for a signal are of native sets.
///
/// The handler reads these and Asio's counts, and cannot take the mutex under which they change. Asio's count
/// rises before ours and falls after it, release here and acquire in the handler, so that at every instant it
/// exceeds ours by at least the number of Asio's own registrations.
inline constinit std::array<std::atomic<std::size_t>, core::signal_set::max_signal> native_registrations{};

/// In signal context: whether a set of Asio's own has this signal. Its pipe is open then; else Asio may be
/// closing it, and the number may be another file's by now.
inline bool has_stock_set(std::size_t signal) {
    const auto& ours = native_registrations[signal];
    const std::size_t before = ours.load(std::memory_order_acquire);
    // Asio's own is no atomic, and ThreadSanitizer says so (test/tsan.suppressions).
    const std::size_t all = std::atomic_ref(net::detail::get_signal_state()->registration_count_[signal])
                                .load(std::memory_order_acquire);
    const std::size_t after = ours.load(std::memory_order_acquire);
    return all > std::min(before, after); // one of the two was true when `all` was
}

/// In signal context: what Asio's handler does.
inline void tell_stock_signals(int signal) {
    if (!has_stock_set(static_cast<std::size_t>(signal)))
        return;
    const int saved = errno;
    const int pipe =
        std::atomic_ref(net::detail::get_signal_state()->write_descriptor_).load(std::memory_order_relaxed);
    [[maybe_unused]] const auto written = ::write(pipe, &signal, sizeof signal);
    errno = saved;
}

class stock_signals {
    template <class State>
    static constexpr bool has_flags = requires(State& s) { s.flags_; };

    /// Asio's table has an entry for each signal of the system, 65 on Linux.
    template <class State>
    static bool has_room_for(const State& state, int signal) {
        return signal >= 0 && signal < core::signal_set::max_signal &&
               static_cast<std::size_t>(signal) < std::size(state.registration_count_);
    }

    template <class State>
    static int known_flags(const State& state, std::size_t i) {
        if constexpr (has_flags<const State>)
            return state.registration_count_[i] != 0 ? static_cast<int>(state.flags_[i])
                                                     : core::signal_set::any_flags;
        else
            return core::signal_set::any_flags;
    }
    /// Never "whatever they are": Asio would then install its handler for the sake of other flags.
    template <class State>
    static void set_flags(State& state, std::size_t i, int flags) {
        if constexpr (has_flags<State>)
            state.flags_[i] = static_cast<std::decay_t<decltype(state.flags_[i])>>(
                flags == core::signal_set::any_flags ? 0 : flags);
    }

public:
    static int add(core::signal_set& set, int signal, int flags) {
        auto& state = *net::detail::get_signal_state();
        state.mutex_.init();
        std::lock_guard guard(state.mutex_);
        if (!has_room_for(state, signal))
            return -EINVAL;
        if (set.contains(signal))
            return 0;
        const auto i = static_cast<std::size_t>(signal);
        const int known = known_flags(state, i);
        if (flags == core::signal_set::any_flags)
            flags = known;
        core::signal_set::also_tell(&tell_stock_signals);
        if (const int error = set.add(signal, flags); error < 0)
            return error;
        ++state.registration_count_[i];
        native_registrations[i].fetch_add(1, std::memory_order_release);
        set_flags(state, i, flags);
        return 0;
    }

    static int remove(core::signal_set& set, int signal) {
        auto& state = *net::detail::get_signal_state();
        std::lock_guard guard(state.mutex_);
        if (!has_room_for(state, signal))
            return -EINVAL;
        if (!set.contains(signal))
            return 0;
        const auto i = static_cast<std::size_t>(signal);
        const int error =
            set.remove(signal, state.registration_count_[i] > 1 ? &tell_stock_signals : SIG_DFL);
        if (error == 0) {
            native_registrations[i].fetch_sub(1, std::memory_order_release);
            --state.registration_count_[i];
        }
        return error;
    }
};

#else

class stock_signals {
public:
    static int add(core::signal_set& set, int signal, int flags) { return set.add(signal, flags); }
    static int remove(core::signal_set& set, int signal) { return set.remove(signal, SIG_DFL); }
};

#endif

} // namespace detail
AURAIO_CLOSE
