import { checkedAs } from './checkedAs.ts';

checkedAs('address', 'no access outside its memory and no undefined behaviour');
