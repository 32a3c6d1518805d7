# auraio::c: the C library, core behind a C interface in one shared object. auraio::cpp: <aura.hpp>, headers over it.

# Always shared: whoever links it needs no C++ runtime on the link line. The engine is inside, hidden.
add_library(auraio_c SHARED
    capi/buffers.cpp
    capi/callers.cpp
    capi/chain.cpp
    capi/engine.cpp
    capi/file_numbers.cpp
    capi/files.cpp
    capi/log.cpp
    capi/process.cpp
    capi/registration.cpp
    capi/request_handles.cpp
    capi/request_slot.cpp
    capi/request_store.cpp
    capi/run.cpp
    capi/sockets.cpp
    capi/start_operation.cpp
    capi/statistics.cpp
    capi/storage.cpp
)
add_library(auraio::c ALIAS auraio_c)
set_target_properties(auraio_c PROPERTIES
    EXPORT_NAME c
    OUTPUT_NAME auraio-c
    VERSION ${PROJECT_VERSION}
    # A number of the ABI's own, which a release that takes something away raises: tools/check-abi.sh.
    SOVERSION 0
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON
    LINK_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/capi/exports.map")
target_include_directories(auraio_c
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(auraio_c PRIVATE auraio::core)
target_link_options(auraio_c PRIVATE "LINKER:--version-script=${CMAKE_CURRENT_SOURCE_DIR}/capi/exports.map")
auraio_target_options(auraio_c)
auraio_library_options(auraio_c)

# --- auraio::cpp: C++ without Asio: headers over the C library ----------------------------------------------
add_library(auraio_cpp INTERFACE)
add_library(auraio::cpp ALIAS auraio_cpp)
set_target_properties(auraio_cpp PROPERTIES EXPORT_NAME cpp)
target_compile_features(auraio_cpp INTERFACE cxx_std_20)
target_link_libraries(auraio_cpp INTERFACE auraio::c)
