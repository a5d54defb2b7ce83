// SPDX-License-Identifier: MIT
//
// As prog.c, for Rust on x86-64.
use std::arch::asm;

pub struct Pair {
    pub first: u32,
    pub second: u64,
}

static mut TABLE: [Pair; 4] = [const { Pair { first: 1, second: 2 } }; 4];

#[inline(never)]
fn work(n: u64) -> u64 {
    let at: u64;
    #[rustfmt::skip]
    unsafe { asm!("lea {}, [rip]", out(reg) at) }; let line = line!();
    println!("code {:x}\tprog::work:{}", at - 1, line);
    at + n
}

fn main() {
    for line in std::fs::read_to_string("/proc/self/maps").unwrap().lines() {
        let mut f = line.split_ascii_whitespace();
        let (range, prot, off) = (f.next().unwrap(), f.next().unwrap(), f.next().unwrap());
        println!("map {} {} {} {}", range, prot, off, f.nth(2).unwrap_or(""));
    }
    work(std::env::args().count() as u64);
    unsafe {
        let table = &raw mut TABLE;
        (*table)[2].second = 5;
        println!("data {:x}\tprog::TABLE[2].second", &raw const (*table)[2].second as u64);
    }
}
