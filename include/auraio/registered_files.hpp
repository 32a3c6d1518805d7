// registered_files: a table of open files that the rings of a context know.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/basic_file.hpp"
#include "auraio/detail/registration.hpp"
#include "auraio/io_context.hpp"

#include <cstddef>
#include <vector>

AURAIO_OPEN

/// A table of files that the rings of a context have at hand, so that the kernel looks up no descriptor for
/// each read or write (io_uring_register_files(3)). It saves where many threads share the process' table of
/// descriptors, and little elsewhere: doc/memory.md has figures. One table per context at a time.
///
/// A file object that was given a slot keeps it: reads and writes started on it from then on go by the slot,
/// without a search. Nothing else changes for it, and nothing fails for want of a slot: when the table ends,
/// or the slot is given to another file, it goes on with its descriptor. Closing, releasing or destroying the
/// file empties its slot; rings that have used it hold the file open until they have heard of it, at the
/// latest in their next turn.
///
/// The context must outlive this. Distinct objects: safe. Shared objects: unsafe; but files may be closed by
/// any thread meanwhile.
class file_registration {
    struct start_replace {
        template <class Handler, class Executor>
        void operator()(detail::registration& self, Handler&& handler, std::size_t slot,
                        basic_file<Executor>* file) const {
            self.start(
                "async_replace", std::forward<Handler>(handler),
                [&](core::operation& op, core::shard& home) { return replace(self, slot, *file, op, home); });
        }
    };
    using initiate_replace = detail::initiation<detail::registration*, void(error_code), start_replace>;

public:
    /// Room for `slots` files. Throws system_error: EBUSY (the context has a table, or one that has not
    /// ended), EMFILE (more than RLIMIT_NOFILE, or no descriptor for it), EINVAL (none).
    file_registration(io_context& ctx, std::size_t slots)
        : size_(slots)
        , registration_(ctx.get_executor(), core::registration_kind::files) {
        registration_.begin(
            "files", [&](core::registrations& r) { return r.register_files(std::vector<int>(slots, -1)); });
    }
    file_registration(file_registration&&) noexcept = default;
    file_registration& operator=(file_registration&&) noexcept = default;

    /// How many slots there are.
    std::size_t size() const noexcept { return size_; }

    /// Gives `file` a free slot, unless it has one, and returns which. ENFILE: no slot is free; EBADF: the
    /// file is not open; EINVAL: it belongs to another context; ENOENT, EBUSY: the table has been ended.
    template <class Executor>
    std::size_t add(basic_file<Executor>& file) {
        error_code ec;
        const std::size_t slot = add(file, ec);
        detail::throw_if(ec, "add");
        return slot;
    }
    template <class Executor>
    std::size_t add(basic_file<Executor>& file, error_code& ec) {
        int r = check(registration_, file);
        if (r == 0)
            r = registration_.registered().add_file(file.impl_.get()->fd(), file.impl_.get()->file_slot());
        if (r >= 0)
            file.impl_.get()->set_file_slot(r);
        ec = detail::to_error_code(r);
        return r >= 0 ? static_cast<std::size_t>(r) : size_;
    }

    /// Gives slot `slot` to `file`, and takes it from the file that has it. Reads and writes started on
    /// `file` from now on go by the slot. Completes when every ring has let go of the other file. Signature
    /// void(error_code); errors as of add(), and EINVAL: no such slot. Not cancellable.
    template <class Executor, class Token = net::default_completion_token_t<executor>>
    auto async_replace(std::size_t slot, basic_file<Executor>& file, Token&& token = Token())
        -> detail::initiated<initiate_replace, Token, std::size_t, basic_file<Executor>*> {
        return detail::initiate<initiate_replace, Token>(&registration_, token, slot, &file);
    }

    /// Ends the table; completes when no ring has it any more, after what was started before is over.
    /// Signature void(error_code): ENOENT when it has been ended before. Not cancellable. This object may be
    /// destroyed meanwhile.
    template <class Token = net::default_completion_token_t<executor>>
    auto async_unregister(Token&& token = Token())
        -> detail::initiated<detail::registration::initiate_end, Token> {
        return detail::initiate<detail::registration::initiate_end, Token>(&registration_, token);
    }

private:
    template <class Executor>
    static int check(const detail::registration& table, const basic_file<Executor>& file) noexcept {
        if (!table.lasts())
            return -ENOENT;
        if (!file.is_open())
            return -EBADF;
        return &file.impl_.home().owner() == &table.engine() ? 0 : -EINVAL;
    }

    /// Returns 0, and then `op` completes, or a negated errno.
    template <class Executor>
    static int replace(detail::registration& table, std::size_t slot, basic_file<Executor>& file,
                       core::operation& op, core::shard& home) {
        if (const int error = check(table, file))
            return error;
        core::descriptor& d = *file.impl_.get();
        d.leave_slot();
        const int error = table.registered().update_file(slot, d.fd(), &op, &home);
        if (error == 0)
            d.set_file_slot(static_cast<int>(slot));
        return error;
    }

    std::size_t size_;
    detail::registration registration_;
};

AURAIO_CLOSE

#endif
