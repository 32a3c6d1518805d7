// engine: which backend it uses, when that is decided, and who is told.
#include "auraio/core/loop/engine.hpp"

#include "backend/backends.hpp"
#include "core/base/log.hpp"

#include <cerrno>
#include <cstring>
#include <new>
#include <string>

namespace aura::core {

const char* engine::backend_name() const noexcept {
    const backend_entry* const b = backend_entry_.load(std::memory_order_acquire);
    return b ? b->name : "custom";
}

backend_kind engine::which_backend() const noexcept {
    const backend_entry* const b = backend_entry_.load(std::memory_order_acquire);
    return b ? b->kind : backend_kind::automatic;
}

const std::string& engine::backend_reason() const noexcept {
    // Acquire, and the entry last: see fall_back().
    const backend_entry* const b = backend_entry_.load(std::memory_order_acquire);
    return b == first_entry_ ? backend_reason_ : second_reason_;
}

/// Who asks for what only some rings have is told when there are none such, and gets nothing else instead.
static bool only_rings_will_do(const engine_options& options) noexcept {
    return options.task_work == task_run::deferred || options.wake == wake_mechanism::message;
}

/// At construction.
void engine::choose() {
    const bool rings = options_.backend == backend_kind::automatic && only_rings_will_do(options_);
    backend_choice choice = choose_backend(rings ? backend_kind::uring : options_.backend);
    tell_choice(choice);
    first_entry_ = choice.entry;
    backend_reason_ = std::move(choice.reason);
    backend_entry_.store(choice.entry, std::memory_order_release);
}

/// A sandbox has been put up since the engine was made, or the environment of this thread is another. As long
/// as there is no ring, nothing is lost by taking another backend. Whether to try again.
bool engine::fall_back(const backend_entry& refused, const engine_error& error) {
    if (options_.backend != backend_kind::automatic || ring_supply::is_shortage(error.error()))
        return false;
    if (only_rings_will_do(options_))
        return false;
    backend_choice choice;
    {
        std::lock_guard guard(choice_mutex_);
        if (backend_entry_.load(std::memory_order_relaxed) != &refused)
            return true; // another thread has met the same
        if (has_made_ring_ || &refused != first_entry_)
            return false;
        try {
            choice = choose_after(refused, error);
        } catch (const engine_error&) { // there is none; the caller knows why
            return false;
        }
        second_reason_ = choice.reason;
        // Release: who sees the entry sees the reason.
        backend_entry_.store(choice.entry, std::memory_order_release);
    }
    // What follows without the lock: who hears it may call anything.
    registrations_.remake_sources();
    tell_choice(choice);
    return true;
}

/// A ring of `entry` has been made. False: another thread has fallen back meanwhile, and it is not to be used,
/// for all rings of an engine are of one kind.
bool engine::settle_on(const backend_entry* entry) {
    std::lock_guard guard(choice_mutex_);
    if (backend_entry_.load(std::memory_order_relaxed) != entry)
        return false;
    has_made_ring_ = true;
    return true;
}

void engine::tell_choice(const backend_choice& choice) const {
    if (choice.fell_back) {
        // Relaxed: only the first is to speak, and nothing else is ordered by it.
        static std::atomic<bool> told{false};
        if (!told.exchange(true, std::memory_order_relaxed))
            announce(log_level::warning, (std::string("auraio: io_uring cannot be used, ") +
                                          choice.entry->name + " is used instead: " + choice.reason)
                                             .c_str());
    }
    if (log_has_handler())
        log_message(log_level::info,
                    (std::string("auraio: backend: ") + choice.entry->name + ": " + choice.reason).c_str());
}

/// Outside of every lock: who hears it may call anything.
void engine::tell_shortage() noexcept {
    if (told_shortage_.exchange(true, std::memory_order_relaxed))
        return;
    try {
        const int error = rings_.last_error();
        std::string text = "auraio: no ring for another thread in run(): ";
        text += std::strerror(error);
        text += ". It runs what any thread may, and takes over when a ring is free";
        if (error == EMFILE)
            text += "; raise RLIMIT_NOFILE";
        else if (error == ENFILE)
            text += "; raise fs.file-max";
        else if (error == ENOMEM)
            text += "; raise RLIMIT_MEMLOCK, or give rings fewer entries";
        announce(log_level::warning, text.c_str());
    } catch (const std::bad_alloc&) { // NOLINT(bugprone-empty-catch): it is counted all the same
    }
}

std::unique_ptr<backend> engine::make_backend() {
    for (;;) {
        const backend_entry* const entry = backend_entry_.load(std::memory_order_acquire);
        try {
            auto made = entry ? entry->make(options_)
                              : options_.make_backend(options_, options_.make_backend_argument);
            if (!settle_on(entry))
                continue;
            rings_.was_made();
            return made;
        } catch (const engine_error& e) {
            if (e.error() == EMFILE && rings_.release())
                continue; // kept for this one
            if (ring_supply::is_shortage(e.error()))
                rings_.was_refused(e.error());
            else if (entry && fall_back(*entry, e))
                continue;
            throw;
        }
    }
}

std::unique_ptr<registration_source> engine::make_registration_source() {
    for (;;) {
        const backend_entry* const entry = backend_entry_.load(std::memory_order_acquire);
        if (!entry || !entry->make_source)
            return nullptr;
        try {
            return entry->make_source();
        } catch (const engine_error& e) {
            if (!fall_back(*entry, e))
                throw;
        }
    }
}

} // namespace aura::core
