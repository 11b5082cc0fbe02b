//! Two doubles side by side, with the fused multiplication that rounds once: relaxed SIMD in WebAssembly, and the same in plain Rust where
//! there is none of it, for the tests.

#[cfg(target_arch = "wasm32")]
mod wasm {
    use core::arch::wasm32::{
        f64x2, f64x2_relaxed_madd, f64x2_splat, f64x2_sub, i64x2_add, i64x2_extract_lane,
        i64x2_splat, i64x2_sub, v128,
    };

    /// Two doubles, or the 64 bits of each as an integer.
    #[derive(Clone, Copy)]
    pub struct Lanes(v128);

    impl Lanes {
        #[target_feature(enable = "simd128,relaxed-simd")]
        #[inline]
        pub fn new(low: f64, high: f64) -> Self {
            Self(f64x2(low, high))
        }

        #[target_feature(enable = "simd128,relaxed-simd")]
        #[inline]
        pub fn splat(value: f64) -> Self {
            Self(f64x2_splat(value))
        }

        #[target_feature(enable = "simd128,relaxed-simd")]
        #[inline]
        pub fn splat_bits(value: i64) -> Self {
            Self(i64x2_splat(value))
        }

        /// self · other + addend, rounded once.
        #[target_feature(enable = "simd128,relaxed-simd")]
        #[inline]
        pub fn times_plus(self, other: Self, addend: Self) -> Self {
            Self(f64x2_relaxed_madd(self.0, other.0, addend.0))
        }

        #[target_feature(enable = "simd128,relaxed-simd")]
        #[inline]
        pub fn minus(self, other: Self) -> Self {
            Self(f64x2_sub(self.0, other.0))
        }

        #[target_feature(enable = "simd128,relaxed-simd")]
        #[inline]
        pub fn plus_bits(self, other: Self) -> Self {
            Self(i64x2_add(self.0, other.0))
        }

        #[target_feature(enable = "simd128,relaxed-simd")]
        #[inline]
        pub fn minus_bits(self, other: Self) -> Self {
            Self(i64x2_sub(self.0, other.0))
        }

        #[target_feature(enable = "simd128,relaxed-simd")]
        #[inline]
        pub fn bits(self) -> [i64; 2] {
            [
                i64x2_extract_lane::<0>(self.0),
                i64x2_extract_lane::<1>(self.0),
            ]
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod portable {
    /// Two doubles, or the 64 bits of each as an integer.
    #[derive(Clone, Copy)]
    pub struct Lanes([u64; 2]);

    impl Lanes {
        pub fn new(low: f64, high: f64) -> Self {
            Self([low.to_bits(), high.to_bits()])
        }

        pub fn splat(value: f64) -> Self {
            Self::new(value, value)
        }

        pub fn splat_bits(value: i64) -> Self {
            Self([value as u64; 2])
        }

        /// self · other + addend, rounded once.
        pub fn times_plus(self, other: Self, addend: Self) -> Self {
            let lane = |i: usize| {
                let [a, b, c] = [self, other, addend].map(|lanes| f64::from_bits(lanes.0[i]));
                a.mul_add(b, c)
            };
            Self::new(lane(0), lane(1))
        }

        pub fn minus(self, other: Self) -> Self {
            let lane = |i: usize| f64::from_bits(self.0[i]) - f64::from_bits(other.0[i]);
            Self::new(lane(0), lane(1))
        }

        pub fn plus_bits(self, other: Self) -> Self {
            Self([0, 1].map(|i| self.0[i].wrapping_add(other.0[i])))
        }

        pub fn minus_bits(self, other: Self) -> Self {
            Self([0, 1].map(|i| self.0[i].wrapping_sub(other.0[i])))
        }

        pub fn bits(self) -> [i64; 2] {
            self.0.map(|bits| bits as i64)
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use portable::Lanes;
#[cfg(target_arch = "wasm32")]
pub(crate) use wasm::Lanes;
