// registration: what Engine does with registered buffers and files.
#pragma once

#include "auraio/cpp/socket_operations.hpp"

#include <span>

namespace aura {

/**
 * Buffers and files that the kernel looks up once: the functions of aura_registered.h, which says how a registration
 * lives and ends. A base of Engine. In any thread; failures are thrown as Error.
 */
class Registration : public SocketOperations {
public:
    /// For BufferRef::fixed(index, offset). The memory must stay mapped until they are unregistered.
    void register_buffers(std::span<const iovec> buffers) {
        cpp_detail::checked(
            aura_register_buffers(handle_, buffers.data(), static_cast<unsigned>(buffers.size())),
            "register_buffers");
    }
    /// For fixed_file(index). -1 is an entry that is empty for now. They must stay open.
    void register_files(std::span<const int> fds) {
        cpp_detail::checked(aura_register_files(handle_, fds.data(), static_cast<unsigned>(fds.size())),
                            "register_files");
    }
    /// Replaces one registered file; -1 empties the entry.
    void update_file(int index, int fd) {
        cpp_detail::checked(aura_update_file(handle_, index, fd), "update_file");
    }
    /// What stands for entry `index` where a descriptor stands; it names no later table's. Throws ENOENT when there
    /// is none.
    int fixed_file(int index) const {
        const int file = aura_get_fixed_file(handle_, index);
        if (file == -1)
            cpp_detail::raise(errno, "fixed_file");
        return file;
    }

    /**
     * Ends a registration without waiting: from now on operations on it are refused with EBUSY, and it has ended when
     * what was started before has. drain() waits for that. With a callback: it is called then, with 0.
     */
    void request_unregister(aura_reg_type_t type) {
        cpp_detail::checked(aura_request_unregister(handle_, type), "request_unregister");
    }
    /// As above; `callback` is called when it has ended, with 0.
    template <Callback F>
    void request_unregister(aura_reg_type_t type, F&& callback) {
        begin("request_unregister", cpp_detail::describe::unregister(type), std::forward<F>(callback));
    }
    /// The same, to be awaited: goes on when it has ended.
    auto async_unregister(aura_reg_type_t type) {
        return awaited("unregister", cpp_detail::describe::unregister(type));
    }

protected:
    ~Registration() = default;
};

} // namespace aura
