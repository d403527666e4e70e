// Loops that the compiler makes for several instruction sets. They are inlined into functions that may use newer
// instructions than the rest of the program, so nothing in them may be a function of a header.
#ifndef PREFIQS_ENGINE_VECTORS_H_
#define PREFIQS_ENGINE_VECTORS_H_

namespace prefiqs::engine {

#if defined(__x86_64__)
inline constexpr bool kIsX86 = true;
#else
inline constexpr bool kIsX86 = false;
#endif

// At most as new instructions as this; other processors than x86 have the first alone, which is all that they have.
enum class Vectors { kBaseline, kAvx2, kAvx512 };

}  // namespace prefiqs::engine

#define PREFIQS_INLINE __attribute__((always_inline)) inline

// Before a function: it may use these instructions. Nothing on processors that have none of the kind.
#if !defined(__x86_64__)
#define PREFIQS_WITH_AVX2
#define PREFIQS_WITH_AVX512
#else
#define PREFIQS_WITH_AVX2 __attribute__((target("avx2,fma")))
#if defined(__clang__)  // has no word for the width
#define PREFIQS_WITH_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma")))
#else
#define PREFIQS_WITH_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma,prefer-vector-width=512")))
#endif
#endif

#endif  // PREFIQS_ENGINE_VECTORS_H_
