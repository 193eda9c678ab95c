import { checkedAs } from './checkedAs.ts';

checkedAs('aarch64', 'the NEON kernels, cross-built and run under qemu-user');
