# Warnings and sanitizers: auraio_target_options(target) for the targets of this project, never for its users'.

# Headers of Asio, Boost and GoogleTest come in as SYSTEM, so the set is as strict as our own code can keep.
# CMAKE_COMPILE_WARNING_AS_ERROR makes them errors. The presets set it, those of the sanitizers do not: in
# instrumented code GCC's flow analysis warns of what the program cannot do.
set(AURAIO_WARNINGS
    -Wall -Wextra -Wpedantic
    -Wshadow
    -Wconversion -Wsign-conversion
    -Woverloaded-virtual
    -Wold-style-cast -Wcast-align -Wcast-qual
    -Wimplicit-fallthrough -Wundef
    -Wformat=2)

# The whole program has to be instrumented, so this is set for the directory and not per target.
if(AURAIO_SANITIZE)
    list(JOIN AURAIO_SANITIZE "," sanitizers)
    add_compile_options(-fsanitize=${sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${sanitizers})
    # GCC warns of every fence, Asio's own included: ThreadSanitizer does not see them.
    if("thread" IN_LIST AURAIO_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        add_compile_options(-Wno-tsan)
    endif()
endif()

# For what is linked into libauraio-c, whose code has to be position independent. Nobody replaces our functions at load
# time: the compiler may inline them (GCC assumes that somebody does). Our thread-local variables are few enough (some
# 160 bytes) for the room that the loader keeps for libraries opened later: an access is one instruction, not a call.
function(auraio_library_options target)
    target_compile_options(${target} PRIVATE -ftls-model=initial-exec)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        target_compile_options(${target} PRIVATE -fno-semantic-interposition)
    endif()
    # What distributions ask of libraries. The sanitizers have checks of their own; FORTIFY needs optimisation, and a
    # builder's own level stays.
    if(NOT AURAIO_SANITIZE)
        target_compile_options(${target} PRIVATE -fstack-protector-strong)
        if(NOT "${CMAKE_CXX_FLAGS} $ENV{CPPFLAGS}" MATCHES "_FORTIFY_SOURCE")
            target_compile_options(${target} PRIVATE
                $<$<CONFIG:Release,RelWithDebInfo,MinSizeRel>:SHELL:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2>)
        endif()
    endif()
    target_link_options(${target} PRIVATE LINKER:-z,relro LINKER:-z,now)
endfunction()

function(auraio_target_options target)
    target_compile_options(${target} PRIVATE ${AURAIO_WARNINGS})
    set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
endfunction()
