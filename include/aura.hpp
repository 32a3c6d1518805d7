// aura.hpp: the C library for C++20 without Asio: engines, lambdas, coroutines. Target auraio::cpp.
//
//     aura::Engine engine;                                                          auraio/cpp/engine.hpp
//     engine.read(fd, buffer, size, 0, [&](aura::Request&, ssize_t n) { ... });     auraio/cpp/file_operations.hpp
//     engine.recv(fd, data, size, 0, [&](ssize_t n) { ... });                       auraio/cpp/socket_operations.hpp
//     ssize_t n = co_await engine.async_read(fd, buffer, size, 0);                  auraio/cpp/awaitable.hpp
//     aura::Task<int> task();                                                       auraio/cpp/task.hpp
//     engine.link().write(fd, data, size, 0).fsync(fd).submit();                    auraio/cpp/chain.hpp
//     engine.register_buffers(vectors);                                             auraio/cpp/registration.hpp
//
// doc/cpp.md explains it. It may be included beside <auraio/auraio.hpp>, which has Asio's names in the same namespace.
#pragma once

#include "auraio/cpp/engine.hpp"
