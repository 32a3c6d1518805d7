# auraio::core where namespace aura is Asio itself: nothing to compile. See include/auraio/detail/stock.hpp.
message(STATUS "auraio: AURAIO_STOCK: namespace aura is Asio; left out: the engine, the C library, Rust, most of the tests")
add_library(auraio_core INTERFACE)
add_library(auraio::core ALIAS auraio_core)
set_target_properties(auraio_core PROPERTIES EXPORT_NAME core)
target_include_directories(auraio_core
    INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_compile_features(auraio_core INTERFACE cxx_std_20)
target_compile_definitions(auraio_core INTERFACE AURAIO_STOCK)
target_link_libraries(auraio_core INTERFACE Threads::Threads $<$<PLATFORM_ID:Windows>:ws2_32 mswsock>)
