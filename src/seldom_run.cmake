# What no operation goes through is compiled for size: options, what the kernel and the machine offer, signals, names,
# reports, the controller of a device (some hundred times a second), the threads that watch others. It is half of what a
# static program takes of the library.
if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
    set(optimises $<CONFIG:Release,RelWithDebInfo>)
    # Each function by itself, so that who links with --gc-sections has only those that it can reach.
    target_compile_options(auraio_core PRIVATE $<${optimises}:-ffunction-sections> $<${optimises}:-fdata-sections>)
endif()
file(GLOB controller CONFIGURE_DEPENDS RELATIVE "${CMAKE_CURRENT_SOURCE_DIR}" core/control/*.cpp)
# Files with options of their own would not be part of the large units of CMAKE_UNITY_BUILD.
if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang" AND NOT CMAKE_UNITY_BUILD)
    set_source_files_properties(
        ${controller}
        core/base/code_name.cpp
        core/base/descriptions.cpp
        core/base/each_cpu.cpp
        core/base/fork_aware.cpp
        core/base/library_pin.cpp
        core/base/log.cpp
        core/base/process_barrier.cpp
        core/base/thread_stack.cpp
        core/base/usable_cpus.cpp
        core/io/assigned_numbers.cpp
        core/io/file_kind.cpp
        core/io/file_system.cpp
        core/io/file_witness.cpp
        core/io/inert_descriptor.cpp
        core/io/listener_places.cpp
        core/io/name_lookup.cpp
        core/io/serial_line.cpp
        core/io/signal_set.cpp
        core/loop/engine_backend.cpp
        core/loop/engine_end.cpp
        core/loop/engine_options.cpp
        core/loop/outside_wait.cpp
        core/loop/ring_supply.cpp
        core/loop/stall_report.cpp
        core/loop/stall_watch.cpp
        core/loop/takeover.cpp
        core/loop/thread_accounts.cpp
        core/registered/registration_state.cpp
        core/registered/registrations.cpp
        core/report/dump.cpp
        core/report/engine_stats.cpp
        core/report/inspection.cpp
        core/report/prometheus.cpp
        core/report/statistics_json.cpp
        core/report/statistics_server.cpp
        core/stats/handler_kinds.cpp
        core/stats/ring_stats.cpp
        core/storage/block_device.cpp
        core/storage/storage_device.cpp
        core/storage/storage_user.cpp
        backend/backends.cpp
        backend/epoll/file_table.cpp
        backend/epoll/registration.cpp
        backend/uring/allowance.cpp
        backend/uring/confinement.cpp
        backend/uring/features.cpp
        backend/uring/registration.cpp
        PROPERTIES COMPILE_OPTIONS $<${optimises}:-Os>)
endif()
