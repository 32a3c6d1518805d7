# auraio_header_check: compiles every public header alone. Not part of `all`: one build of the matrix is enough.
#
# core headers, and those over the C library, are compiled against auraio::core only, all others with standalone Asio: what
# a header has to include does not depend on the flavour.
function(auraio_header_check)
    file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}/include"
        "${PROJECT_SOURCE_DIR}/include/*.hpp" "${PROJECT_SOURCE_DIR}/include/auraio/*.h")
    set(core_sources "")
    set(auraio_sources "")
    # The Boost flavour's alone, and adopt mode's: compiled by their tests.
    list(REMOVE_ITEM headers auraio/beast.hpp auraio/adopt.hpp)
    list(FILTER headers EXCLUDE REGEX "adopted_")
    foreach(header IN LISTS headers)
        string(MAKE_C_IDENTIFIER "${header}" stem)
        set(source "${CMAKE_CURRENT_BINARY_DIR}/header_check/${stem}.cpp")
        # Twice: the second inclusion fails without an include guard.
        file(CONFIGURE OUTPUT "${source}" CONTENT "#include <@header@>\n#include <@header@>\n" @ONLY)
        if(header MATCHES "^aura.hpp$|^auraio/(core/|cpp/|[^/]*\\.h$)")
            list(APPEND core_sources "${source}")
        else()
            list(APPEND auraio_sources "${source}")
        endif()
    endforeach()

    add_custom_target(auraio_header_check)
    set(libraries core)
    if(AURAIO_HAS_ASIO)
        list(APPEND libraries auraio)
    endif()
    foreach(library IN LISTS libraries)
        set(target auraio_header_check_${library})
        add_library(${target} OBJECT EXCLUDE_FROM_ALL ${${library}_sources})
        target_link_libraries(${target} PRIVATE auraio::${library})
        auraio_target_options(${target})
        # Nobody links these; without an object file it takes half as long.
        target_compile_options(${target} PRIVATE -fsyntax-only)
        add_dependencies(auraio_header_check ${target})
    endforeach()
endfunction()

auraio_header_check()
