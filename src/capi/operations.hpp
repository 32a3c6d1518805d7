// operations: starting one, for the files that say which there are.
#pragma once

#include "engine.hpp"

namespace aura::capi {

/// What is asked for, once its arguments have been checked.
struct operation_description {
    aura_op_type_t type;
    core::io_request request;
};

/// NULL and errno.
inline aura_request_t* refuse(int error) noexcept {
    errno = error;
    return nullptr;
}

/// Starts an operation of the engine; NULL with errno when there is no memory for it, or no engine any more.
aura_request_t* start(aura_engine_t* engine, const operation_description& what, aura_callback_t callback,
                      void* user_data) noexcept;

/// The file an operation is about: a descriptor, or with AURA_FIXED_FILE a registered one.
struct file_name {
    int fd;
    unsigned flags = 0;
};

/// Descriptions; 0 or an errno value. The engine, which may be NULL, is the one that has what is registered.
int describe_transfer(operation_description& d, const aura_engine_t* engine, aura_op_type_t type,
                      file_name file, aura_buf_t buf, std::size_t len, off_t offset) noexcept;
int describe_vector(operation_description& d, const aura_engine_t* engine, aura_op_type_t type,
                    file_name file, const iovec* buffers, int count, off_t offset) noexcept;
int describe_plain(operation_description& d, const aura_engine_t* engine, aura_op_type_t type, file_name file,
                   off_t length) noexcept;

} // namespace aura::capi
